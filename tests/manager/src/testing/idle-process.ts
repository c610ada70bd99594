// Holds a thousand secrets, of which it never makes a text: `node idle-process.ts HIDDEN SNAPSHOT [retain]`. Each is the hidden bytes, bit by
// bit the other way round, and a number. It writes a heap snapshot, says `held`, waits for a line, closes the manager, and says `closed`.
import { once } from 'node:events'
import { writeHeapSnapshot } from 'node:v8'
import { createSecretsManager, type SecretProvider } from '@finchat/secrets-core'

const [hidden = '', snapshot = '', retain] = process.argv.slice(2)
const count = 1_000

/** Bytes of their own, outside the heap: small arrays lie in it, and are left behind there where the garbage collector moves them. */
function made(index: number): Uint8Array {
  const suffix = [...String(index).padStart(4, '0')].map((digit) => 48 + Number(digit))
  const values = [...Array.from(Buffer.from(hidden, 'hex'), (byte) => ~byte & 0xff), ...suffix]
  const bytes = new Uint8Array(new ArrayBuffer(values.length))
  bytes.set(values)
  return bytes
}

const provider: SecretProvider = {
  specificationVersion: 'v1',
  name: 'store',
  get: async (path) => ({ value: made(Number(path)), version: 1, currentSince: Date.now() }),
}

async function use(): Promise<{ close: () => Promise<void> }> {
  const manager = createSecretsManager({ providers: [provider] })
  const held = []
  for (let index = 0; index < count; index += 1) {
    const name = String(index)
    const value = await manager.getSecretValue(name)
    if (index % 2 === 0) held.push(value)
    value.bytes().fill(0)
    const presented = made(index)
    for (const options of [undefined, { fresh: true }]) if (!(await manager.verifySecret(name, presented, options))) throw new Error(name)
    presented.fill(0)
  }
  if (manager.cacheStats().entries !== count) throw new Error('not all are held')
  return { close: () => manager.close().finally(() => void held.length) }
}

async function main(): Promise<void> {
  const { close } = await use()
  const retained = retain === undefined ? undefined : Buffer.from(made(0)).toString()
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  writeHeapSnapshot(snapshot)
  process.stdout.write('held\n')
  await once(process.stdin, 'data')
  await close()
  process.stdout.write('closed\n')
  await once(process.stdin, 'data')
  process.exitCode = retained === '' ? 1 : 0
  process.stdin.destroy()
}

void main()
