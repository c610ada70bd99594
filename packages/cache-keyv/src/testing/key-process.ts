// Uses a cache with the given key and closes it; pauses after each step for key-memory.test.ts to
// search its memory.
import { SecretsError } from '@finchat/secrets-core'
import { generateKey } from '@finchat/secrets-core/sealing'
import { keyvCache } from '../keyv-cache.ts'

const [form = 'bytes', hidden = ''] = process.argv.slice(2)
// The argument is inverted, so that only the cache places the key in memory.
const bytes = Buffer.alloc(32)
bytes.write(hidden, 'hex')
for (let index = 0; index < bytes.length; index += 1) bytes[index] = ~(bytes[index] ?? 0) & 0xff

const held = new Map<string, string>()
const store = {
  get: async (key: string) => held.get(key),
  set: async (key: string, text: string) => void held.set(key, text),
  delete: async (key: string) => held.delete(key),
}
const [signal, key] = [new AbortController().signal, { sharedAs: 'store', path: 'path' }]

function refuse(): void {
  for (const wrong of [{ keys: [bytes, 'short'] }, { keys: [bytes], waitMs: -1 }]) {
    try {
      keyvCache({ store, indexKey: bytes, ...wrong })
      throw new Error('the options were accepted')
    } catch (error) {
      if (!SecretsError.isInstance(error)) throw error
    }
  }
}

async function use(): Promise<() => Promise<void>> {
  if (form === 'refused') refuse()
  const encryptionKey = form === 'hex' ? bytes.toString('hex') : bytes
  const cache = keyvCache({ store, encryptionKey: form === 'refused' ? generateKey() : encryptionKey, settleMs: 0, waitMs: 0 })
  if (form !== 'hex') bytes.fill(0)
  const answer = await cache.read(key, { signal })
  if ('leaseToken' in answer) await cache.fill(key, answer.leaseToken, { secret: { value: 'v' }, until: Date.now() + 60_000 }, { signal })
  await cache.invalidate({ ...key, leastVersion: 1 }, { signal })
  return () => cache.close()
}

async function say(line: string): Promise<void> {
  process.stdout.write(`${line}\n`)
  await new Promise((resolve) => process.stdin.once('data', resolve))
}

const close = await use()
await say('used')
await close()
await say('closed')
// A `KeyObject` is overwritten when it is collected.
for (let times = 0; times < 3; times += 1) {
  globalThis.gc?.()
  await new Promise(setImmediate)
}
await say('collected')
