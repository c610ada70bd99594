import { describe, expect, it } from 'vitest'
import { createSecretsManager } from './manager.ts'
import { envProvider } from './env-provider.ts'
import { assertKnownOptions, described } from './known-options.ts'

describe('assertKnownOptions', () => {
  const members = { url: 'string', token: 'any', retry: 'boolean' } as const

  it('takes known members, all of them or none', () => {
    expect(() => assertKnownOptions({}, members)).not.toThrow()
    expect(() => assertKnownOptions({ token: undefined, url: 'u' }, members)).not.toThrow()
  })

  it('names a member that nobody reads, and those that there are', () => {
    expect(() => assertKnownOptions({ tokne: 'hunter2' }, members)).toThrow(/^the option "tokne" is not known \(use url, token, retry\)$/)
    expect(() => assertKnownOptions({ constructor: 1 }, members)).toThrow('"constructor"')
  })

  it('names a value of the wrong type, without showing it', () => {
    expect(() => assertKnownOptions({ retry: 'hunter2' }, members)).toThrow(/^the option retry is text \(pass a boolean\)$/)
    expect(() => assertKnownOptions({ url: 5 }, members)).toThrow('the option url is a number (pass a string)')
  })

  it.each([
    [null, 'null'],
    ['hunter2', 'text'],
    [5, 'a number'],
  ])('takes nothing but an object, and shows no text: %j', (options, shown) => {
    expect(() => assertKnownOptions(options, members)).toThrow(`the options are ${shown} instead of an object (use url, token, retry)`)
  })
})

describe('described', () => {
  it('says what was passed, and what to do about the two common mistakes', async () => {
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
