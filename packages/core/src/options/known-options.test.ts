import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createSecretsManager } from '../manager/create-manager.ts'
import { envProvider } from '../env/env-provider.ts'
import { described } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { knownOptions } from './known-options.ts'

describe('knownOptions', () => {
  const members = { url: 'string', token: 'any', retry: 'boolean' } as const

  it('accepts all, some or no known members', () => {
    expect(() => knownOptions({}, members)).not.toThrow()
    expect(() => knownOptions({ token: undefined, url: 'u' }, members)).not.toThrow()
  })

  it('returns a copy with own members, also from an object of a class', () => {
    class Options {
      readonly token = 5
      get url(): string {
        return 'u'
      }
    }
    expect(Object.entries(knownOptions(new Options(), members))).toEqual([
      ['url', 'u'],
      ['token', 5],
      ['retry', undefined],
    ])
  })

  it('names an unknown member and the known ones', () => {
    expect(() => knownOptions({ tokne: 'hunter2' }, members)).toThrow(/^the option "tokne" is not known \(use url, token, retry\)$/)
    expect(() => knownOptions({ constructor: 1 }, members)).toThrow('"constructor"')
  })

  it('names a value of the wrong type, without showing it', () => {
    expect(() => knownOptions({ retry: 'hunter2' }, members)).toThrow(/^the option retry is text \(pass a boolean\)$/)
    expect(() => knownOptions({ url: 5 }, members)).toThrow('the option url is a number (pass a string)')
  })

  it.each([
    [null, 'null'],
    ['hunter2', 'text'],
    [5, 'a number'],
  ])('refuses a non-object without showing text: %j', (options, shown) => {
    expect(() => knownOptions(options as unknown as object, members)).toThrow(
      `the options are ${shown} instead of an object (use url, token, retry)`,
    )
  })

  it('checks members inherited from a class', () => {
    class Options {
      get retry(): string {
        return 'hunter2'
      }
    }
    expect(() => knownOptions(new Options() as object, members)).toThrow(/^the option retry is text \(pass a boolean\)$/)
  })

  it.each([
    [[], 'an array'],
    [new Map([['url', 'u']]), 'a Map'],
    [new Set(['url']), 'a Set'],
    [new Date(0), 'a Date'],
    [Buffer.from('url'), 'a Uint8Array'],
    [Promise.resolve({}), 'a Promise (await it)'],
    [() => 'url', 'a function'],
  ])('refuses an object of the wrong kind: %o', (options, shown) => {
    expect(() => knownOptions(options as object, members)).toThrow(`the options are ${shown} instead of an object (use url, token, retry)`)
  })

  it('accepts an object without prototype or of another realm, the environment, and a module', async () => {
    expect(isRecord(await import('../chain/routing.ts'))).toBe(true)
    expect(isRecord(runInNewContext('({ url: 1 })'))).toBe(true)
    expect(isRecord(process.env)).toBe(true)
    expect(() => knownOptions(Object.assign(Object.create(null) as object, { url: 'u' }), members)).not.toThrow()
  })
})

describe('described', () => {
  it('names what was passed, and the remedy of two common mistakes', async () => {
    const secrets = createSecretsManager({ providers: [envProvider({ env: { TOKEN: 'hunter2' } })] })
    const value = await secrets.getSecretValue('TOKEN')
    const things = [undefined, 5, {}, [], Promise.resolve('hunter2'), value]
    expect(things.map(described)).toEqual([
      'undefined',
      'a number',
      'an object',
      'an array',
      'a Promise (await it)',
      'a SecretValue (use reveal())',
    ])
  })
})
