import { describe, expect, it, vi } from 'vitest'
import type { SecretLocation, SecretProvider } from '../contract/provider.ts'
import { type Link, type Plan, planner } from './routing.ts'
import { locator } from './locator.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { linkTo } from '../testing/links.ts'

const link = (name: string, locate?: SecretProvider['locate']): Link => linkTo({ name, locate })

function shown(plan: Plan): unknown[] {
  return plan.map(({ link: { provider }, path, fields }) => [provider.name, path, ...fields])
}

describe('the plan of a name', () => {
  it("is each provider's own place, in the chain's order, without those that do not hold it", () => {
    const planOf = planner([
      link('aws', locator({ names: { TOKEN: 'finchat/token#value' }, onlyNamed: true })),
      link('local', locator({ prefix: 'dev/' })),
      link('env'),
    ])
    expect(shown(planOf('TOKEN'))).toEqual([
      ['aws', 'finchat/token', 'value'],
      ['local', 'dev/TOKEN'],
      ['env', 'TOKEN'],
    ])
    expect(shown(planOf('db'))).toEqual([
      ['local', 'dev/db'],
      ['env', 'db'],
    ])
  })

  it('is empty for a name that no provider holds', () => {
    expect(planner([link('aws', () => undefined)])('db')).toEqual([])
  })

  it('is remembered: locate is asked once', () => {
    const locate = vi.fn<(name: string) => SecretLocation>((name) => ({ path: name }))
    const planOf = planner([link('aws', locate)])
    expect(planOf('db')).toBe(planOf('db'))
    expect(locate).toHaveBeenCalledTimes(1)
  })

  it('is remembered of a bounded number of names: they may come from users', () => {
    const locate = vi.fn<(name: string) => SecretLocation>((name) => ({ path: name }))
    const planOf = planner([link('aws', locate)])
    for (let count = 0; count <= 10_000; count += 1) planOf(`name-${count}`)
    planOf('name-0')
    expect(locate).toHaveBeenCalledTimes(10_002)
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
  ])('cannot be made if locate %s', (_, locate) => {
    const planOf = planner([link('aws', locate as NonNullable<SecretProvider['locate']>)])
    expect(() => planOf('db')).toThrow(
      expect.objectContaining({ code: 'INTERNAL', secret: 'db', provider: 'aws', message: expect.not.stringContaining('canary') }),
    )
  })

  it('is refused as locate refuses it', () => {
    const planOf = planner([link('aws', locator({ names: () => '#' }))])
    expect(() => planOf('db')).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    expect(() => planOf('db')).toThrow(SecretsError)
  })
})
