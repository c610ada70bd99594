import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { localProvider } from '../local-provider.ts'
import { context, failure, key, temporaryFolder } from '../testing/temporary-store.ts'
import type { LocalProviderOptions } from './options.ts'

function refusal(options: LocalProviderOptions): string {
  try {
    localProvider(options)
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'CONFIGURATION') return error.message
  }
  throw new Error('the options were accepted')
}

test('invalid options are refused at once, each with its own message', () => {
  const path = 'secrets.db'
  const messages = [
    refusal({ path: '', key }),
    refusal({ path }),
    refusal({ path, key, keys: [key] }),
    refusal({ path, key: 'short' }),
    refusal({ path, key, keepVersions: 0 }),
    refusal({ path, key, lockTimeoutMs: Number.NaN }),
    refusal({ path, key, names: { TOKEN: '#' } }),
  ]
  for (const keepVersions of [0, 1.5, Number.POSITIVE_INFINITY, 'All', '5', null])
    // as JavaScript may pass it
    expect(refusal({ path, key, keepVersions } as never)).toBe("`keepVersions` is not a number of versions (pass 1 or more, or 'all')")
  expect(new Set(messages).size).toBe(messages.length)
  expect(messages).toContain(
    'no encryption key is given (give `key`, the same in every process and at every start; generateKey() makes one, once)',
  )
  const wrong = {
    keys: [{ keys: key }, { keys: 'x'.repeat(40) }],
    other: [
      { key, onlynamed: true },
      { key, mustExist: 'yes' },
      { key, name: 5 },
    ],
  }
  // as JavaScript may pass them
  for (const options of wrong.keys) expect(refusal({ path, ...options } as never)).toMatch(/^`keys` is .* instead of an array/)
  for (const options of wrong.other) expect(refusal({ path, ...options } as never)).toMatch(/^the option/)
  expect(refusal(undefined as never)).toMatch(/^the options are undefined/)
  expect(messages).toContain('Encryption key must be at least 32 bytes long')
  expect(refusal({ path: ':memory:', keys: [] })).toMatch(/no encryption key/)
  expect(refusal({ path: 'secrets\0.db', key })).toMatch(/`path`/)
  // as JavaScript may pass it
  expect(refusal({ path: new URL('file:///secrets.db'), key } as never)).toMatch(/`path` is not .*fileURLToPath/)
  for (const typo of [':memory', ':memory: ', '::memory:']) expect(refusal({ path: typo, key })).toMatch(/begins with a colon/)
})

test('a provider opens nothing before its first call', async () => {
  const folder = temporaryFolder()
  const provider = localProvider({ path: join(folder, 'secrets.db'), key })
  expect(readdirSync(folder)).toEqual([])
  await provider.close()
  expect(readdirSync(folder)).toEqual([])
})

test('a store in memory needs no key, and ends with its provider', async () => {
  const one = localProvider({ path: ':memory:' })
  const other = localProvider({ path: ':memory:' })
  await one.put('name', { value: 'value' }, context)
  expect((await one.get('name', context))?.value).toBe('value')
  expect(await other.get('name', context)).toBeUndefined()
  await Promise.all([one.close(), other.close()])
})

test('names, prefix and onlyNamed work as for every provider', () => {
  const provider = localProvider({ path: ':memory:', names: { TOKEN: 'api#token' }, prefix: 'prod/', name: 'laptop' })
  expect(provider.name).toBe('laptop')
  expect(provider.locate('TOKEN')).toEqual({ path: 'api', field: 'token' })
  expect(provider.locate('db')).toEqual({ path: 'prod/db' })
  expect(localProvider({ path: ':memory:', names: {}, onlyNamed: true }).locate('db')).toBeUndefined()
})

test('with `mustExist` a missing file is an error and creates nothing', async () => {
  const folder = temporaryFolder()
  const provider = localProvider({ path: join(folder, 'secrets.db'), key, mustExist: true })
  for (const outcome of await Promise.all(
    [provider.get('name', context), provider.put('name', { value: '' }, context), provider.checkHealth(context)].map(failure),
  )) {
    expect(outcome).toMatchObject({
      code: 'CONFIGURATION',
      problem: `the store's file "${join(folder, 'secrets.db')}" does not exist`,
    })
  }
  expect(readdirSync(folder)).toEqual([])
})

test('closing may be repeated, and every call after it is ABORTED', async () => {
  for (const before of [false, true]) {
    const provider = localProvider({ path: ':memory:' })
    if (before) await provider.put('name', { value: 'value' }, context)
    await provider.close()
    await provider.close()
    const calls = [
      provider.get('name', context),
      provider.put('name', { value: '' }, context),
      provider.checkHealth(context),
      provider.reencrypt(),
    ]
    for (const outcome of await Promise.all(calls.map(failure)))
      expect(outcome).toMatchObject({ code: 'ABORTED', message: 'the local store is closed (close it after the last use)' })
  }
})
