import { describe, expect, it, vi } from 'vitest'
import type { SecretLocation, SecretProvider } from '../contract/provider.ts'
import { type ChainEntry, locating, type Locations, locationsOf } from './routing.ts'
import { locator } from './locator.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { chainEntryTo } from '../testing/chain-entries.ts'

const chainEntry = (name: string, locate?: SecretProvider['locate']): ChainEntry => chainEntryTo({ name, locate })

function shown(locations: Locations): unknown[] {
  return locations.map(({ chainEntry: { provider }, path, fields }) => [provider.name, path, ...fields])
}

describe('the route of a name', () => {
  it("has the location of each provider that holds the name, in the chain's order", () => {
    const locate = locating([
      chainEntry('aws', locator({ names: { TOKEN: 'finchat/token#value' }, onlyNamed: true })),
      chainEntry('local', locator({ prefix: 'dev/' })),
      chainEntry('env'),
    ])
    expect(shown(locate('TOKEN').locations)).toEqual([
      ['aws', 'finchat/token', 'value'],
      ['local', 'dev/TOKEN'],
      ['env', 'TOKEN'],
    ])
    expect(shown(locate('db').locations)).toEqual([
      ['local', 'dev/db'],
      ['env', 'db'],
    ])
  })

  it('of an alias is that of its name, with its field behind that of the provider', () => {
    const aws = chainEntry('aws', locator({ names: { DB: 'prod/db#login' }, onlyNamed: true }))
    const aliases = new Map([
      ['USER', { name: 'DB', field: 'username' }],
      ['DB', { name: 'old-db' }],
      ['JSON', { name: 'DB', json: true }],
    ])
    const locate = locating([aws, chainEntry('env')], aliases)
    expect([locate('USER').name, locate('USER').target, shown(locate('USER').locations)]).toEqual([
      'USER',
      'DB',
      [
        ['aws', 'prod/db', 'login', 'username'],
        ['env', 'DB', 'username'],
      ],
    ])
    expect(shown(locate('DB').locations)).toEqual([['env', 'old-db']]) // one step: an alias leads to no alias
    expect(locate('JSON').locations.map(({ isJson = false }) => isJson)).toEqual([false, true]) // a field is one text
  })

  it('takes nothing from a polluted prototype', () => {
    Object.assign(Object.prototype, { field: 'theirs', json: true, isJson: true })
    try {
      const locate = locating([chainEntry('env')], new Map([['A', { name: 'db', field: undefined, json: undefined }]]))
      for (const name of ['A', 'db']) {
        const [location] = locate(name).locations
        expect([location?.path, location?.fields, location?.isJson]).toEqual(['db', [], false])
      }
    } finally {
      for (const member of ['field', 'json', 'isJson']) Reflect.deleteProperty(Object.prototype, member)
    }
  })

  it('is empty for a name that no provider holds', () => {
    expect(locating([chainEntry('aws', () => undefined)])('db').locations).toEqual([])
  })

  it('is remembered: locate is called once', () => {
    const ask = vi.fn<(name: string) => SecretLocation>((name) => ({ path: name }))
    const locate = locating([chainEntry('aws', ask)])
    expect(locate('db')).toBe(locate('db'))
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('is remembered for a bounded number of names, which may come from users', () => {
    const ask = vi.fn<(name: string) => SecretLocation>((name) => ({ path: name }))
    const locate = locating([chainEntry('aws', ask)])
    for (let count = 0; count <= 10_000; count += 1) locate(`name-${count}`)
    locate('name-0')
    expect(ask).toHaveBeenCalledTimes(10_002)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('canary-2b7a')
      },
    ],
    ['answers no location', () => 'path'],
    ["answers a path of which a part would be another path's version", () => ({ path: 'a\n1' })],
  ])('cannot be made if locate %s', (_, ask) => {
    const locate = locating([chainEntry('aws', ask as NonNullable<SecretProvider['locate']>)])
    expect(() => locationsOf(locate('db'))).toThrow(
      expect.objectContaining({ code: 'INTERNAL', secret: 'db', provider: 'aws', message: expect.not.stringContaining('canary') }),
    )
  })

  it.each(['', 'a//b', '../a', 'a\n'])('is not looked up for an invalid name: %j', (name) => {
    const ask = vi.fn<(name: string) => SecretLocation>((path) => ({ path }))
    expect(() => locating([chainEntry('aws', ask)])(name)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(ask).not.toHaveBeenCalled()
  })

  it('fails as locate fails', () => {
    const locate = locating([chainEntry('aws', locator({ names: () => '#' }))])
    expect(() => locationsOf(locate('db'))).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    expect(() => locationsOf(locate('db'))).toThrow(SecretsError)
  })
})
