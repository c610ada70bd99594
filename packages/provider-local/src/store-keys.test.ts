import { beforeEach, expect, test, vi } from 'vitest'
import { parseKey } from './key.ts'
import { newStoreHeader } from './store-header.ts'
import { StoreKeys } from './store-keys.ts'
import { StoreOpener } from './store-opener.ts'
import { context, failure, temporaryPath, opened, within } from './testing/temporary-store.ts'
import { checkedOptions } from './options.ts'

type Stretched = (error: Error | null, derived: Buffer) => void

/** The derivations that were begun, each to be ended by the test. */
const pending: Stretched[] = []
const passphrase = 'a passphrase of more than 32 bytes, really'

beforeEach(() => {
  pending.length = 0
})

/** Replaces scrypt, which would take its time, by a promise to end when the test says so. */
function holdScrypt(): { readonly begun: () => number; readonly end: (error?: Error) => Promise<void>; readonly restore: () => void } {
  let begun = 0
  const scrypt = vi.spyOn(process.getBuiltinModule('node:crypto'), 'scrypt').mockImplementation((...args: unknown[]) => {
    begun++
    pending.push(args.at(-1) as Stretched) // its last argument is the callback
  })
  return {
    begun: () => begun,
    end: async (error) => {
      pending.shift()?.(error ?? null, Buffer.alloc(32, 7))
      await new Promise((resolve) => setImmediate(resolve))
    },
    restore: () => scrypt.mockRestore(),
  }
}

test('a derivation outlives the caller that began it, and the next one joins it', async () => {
  const path = temporaryPath()
  const scrypt = holdScrypt()
  const provider = opened(path, { key: passphrase })
  for (let n = 0; n < 5; n++)
    expect((await failure(provider.put('name', { value: 'v' }, { signal: AbortSignal.timeout(5) }))).code).toBe('ABORTED')
  const last = provider.put('name', { value: 'v' }, context)
  await scrypt.end()
  expect((await last).version).toBe(1)
  expect(scrypt.begun()).toBe(1)
  scrypt.restore()
})

test('a deadline that is shorter than the derivation does not keep a store from ever opening', async () => {
  const path = temporaryPath()
  await within(path, (provider) => provider.put('name', { value: 'value' }, context), { key: passphrase })
  const provider = opened(path, { key: passphrase })
  let value: unknown
  while (value === undefined) {
    const [read] = await Promise.allSettled([provider.get('name', { signal: AbortSignal.timeout(20) })])
    if (read.status === 'fulfilled') value = read.value?.value
  }
  expect(value).toBe('value')
})

test('never two derivations run at once, and a second header waits for the first', async () => {
  const scrypt = holdScrypt()
  const keys = new StoreKeys([parseKey(passphrase)])
  const [one, other] = [newStoreHeader(), newStoreHeader()]
  const first = keys.keyring(one, context.signal)
  const second = keys.keyring(other, context.signal)
  expect((await failure(keys.keyring(other, AbortSignal.timeout(5)))).code).toBe('ABORTED')
  expect(scrypt.begun()).toBe(1)
  await scrypt.end()
  await first
  expect(scrypt.begun()).toBe(2)
  await scrypt.end()
  expect((await second).first.id).not.toBe((await first).first.id) // the salt is another
  scrypt.restore()
})

test('a derivation that failed is tried again by the next call', async () => {
  const scrypt = holdScrypt()
  const keys = new StoreKeys([parseKey(passphrase)])
  const header = newStoreHeader()
  const failing = failure(keys.keyring(header, context.signal))
  await scrypt.end(new Error('no memory'))
  expect((await failing).code).toBe('UNAVAILABLE')
  const again = keys.keyring(header, context.signal)
  await scrypt.end()
  expect((await again).first.id).toMatch(/^[0-9a-f]{16}$/)
  scrypt.restore()
})

test('closing overwrites raw keys, whether the store was opened or not', async () => {
  for (const isOpen of [true, false]) {
    const options = checkedOptions({ path: ':memory:', keys: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] })
    const opener = new StoreOpener(options)
    if (isOpen) await opener.open(context.signal)
    opener.close(() => {})
    for (const key of options.keys) expect(key).toEqual({ kind: 'raw', bytes: new Uint8Array(32) })
  }
})
