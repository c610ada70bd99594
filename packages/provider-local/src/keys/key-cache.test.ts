import { beforeEach, expect, test, vi } from 'vitest'
import { localProvider } from '../local-provider.ts'
import { StoreOpener } from '../store/lazy-open.ts'
import { checkedOptions } from '../store/options.ts'
import { context, failure, key, opened, otherKey, temporaryPath, within } from '../testing/temporary-store.ts'
import { KeyBytes } from './key-bytes.ts'
import { KeyCache } from './key-cache.ts'
import { newStoreHeader } from './store-header.ts'

type Stretched = (error: Error | null, derived: Buffer) => void

/** Derivations that the test must end. */
const pending: Stretched[] = []
const passphrase = 'a passphrase of more than 32 bytes, really'

beforeEach(() => {
  pending.length = 0
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Replaces scrypt by promises that the test settles. */
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
      await nextTurn()
    },
    restore: () => scrypt.mockRestore(),
  }
}

test('a derivation outlives its caller, and the next caller joins it', async () => {
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

test('deadlines shorter than the derivation do not keep a store closed', async () => {
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

test('derivations never run in parallel, and a second header waits for the first', async () => {
  const scrypt = holdScrypt()
  const keys = new KeyCache([{ kind: 'passphrase', text: passphrase }])
  const [one, other] = [newStoreHeader(), newStoreHeader()]
  const first = keys.keyRing(one, context.signal)
  const [second, third] = [keys.keyRing(other, context.signal), keys.keyRing(other, context.signal)]
  expect((await failure(keys.keyRing(other, AbortSignal.timeout(5)))).code).toBe('ABORTED')
  expect(scrypt.begun()).toBe(1)
  await scrypt.end()
  await first
  expect(scrypt.begun()).toBe(2)
  await scrypt.end()
  expect((await second).first.id).not.toBe((await first).first.id) // the salt is another
  expect([await third, scrypt.begun()]).toEqual([await second, 2])
  scrypt.restore()
})

test('the next call retries a failed derivation', async () => {
  const scrypt = holdScrypt()
  const keys = new KeyCache([{ kind: 'passphrase', text: passphrase }])
  const header = newStoreHeader()
  const failing = failure(keys.keyRing(header, context.signal))
  await scrypt.end(new Error('no memory'))
  expect((await failing).code).toBe('UNAVAILABLE')
  const again = keys.keyRing(header, context.signal)
  await scrypt.end()
  expect((await again).first.id).toMatch(/^[\w-]{43}$/)
  scrypt.restore()
})

test('raw keys are wiped once the store is open, or closed before that', async () => {
  for (const isOpened of [true, false]) {
    const options = checkedOptions({ path: ':memory:', keys: [key, otherKey] })
    const sources = options.keys.map((source) => (source.kind === 'raw' ? source.key : undefined))
    const bytes = sources.map((source) => source?.bytes)
    const opener = new StoreOpener(options)
    if (isOpened) await opener.open(context.signal)
    else opener.close(() => {})
    expect(bytes).toEqual([new Uint8Array(32), new Uint8Array(32)])
    for (const source of sources) expect(() => source?.bytes).toThrow(expect.objectContaining({ code: 'ABORTED' }))
    opener.close(() => {})
  }
})

test('a passphrase is let go of once the store is open, so that no more keys are derived', async () => {
  const keys = new KeyCache([{ kind: 'passphrase', text: passphrase }])
  keys.wipeSources()
  expect((await failure(keys.keyRing(newStoreHeader(), context.signal))).code).toBe('CONFIGURATION')
})

test('closing wipes derived keys, and those of a derivation in progress when it ends', async () => {
  const header = newStoreHeader()
  const derived = new KeyCache([{ kind: 'raw', key: KeyBytes.random() }])
  const { first } = await derived.keyRing(header, context.signal)
  derived.close()
  await nextTurn()
  expect(() => first.values.bytes).toThrow(expect.objectContaining({ code: 'ABORTED' }))

  const scrypt = holdScrypt()
  const deriving = new KeyCache([{ kind: 'passphrase', text: passphrase }])
  const keyRing = deriving.keyRing(header, context.signal)
  deriving.close()
  await scrypt.end()
  const { first: late } = await keyRing
  expect(() => late.wrapping.bytes).toThrow(expect.objectContaining({ code: 'ABORTED' }))
  scrypt.restore()
})

test('keys of an earlier header are wiped when those of another are derived', async () => {
  const keys = new KeyCache([{ kind: 'raw', key: KeyBytes.random() }])
  const { first } = await keys.keyRing(newStoreHeader(), context.signal)
  const { first: next } = await keys.keyRing(newStoreHeader(), context.signal)
  expect(() => first.values.bytes).toThrow(expect.objectContaining({ code: 'ABORTED' }))
  expect(next.values.bytes).toHaveLength(32)
})

test('if one key is refused or an option is invalid, all parsed keys are wiped', () => {
  const wiped: Uint8Array[] = []
  const fill = vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array) {
    wiped.push(this)
    return this
  })
  const refused = (): unknown => checkedOptions({ path: ':memory:', keys: [key, otherKey, 'short'] })
  expect(refused).toThrow('at least 32 bytes')
  fill.mockRestore()
  expect(wiped).toEqual([key, otherKey])
  const made = vi.spyOn(KeyBytes, 'random')
  for (const wrong of [{ keepVersions: 0 }, { storeId: 'x' }, { names: { TOKEN: '#' } }])
    expect(() => localProvider({ path: ':memory:', ...wrong })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  expect(made).not.toHaveBeenCalled()
})
