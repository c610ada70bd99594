// Gives bytes to calls, overwrites them, and stays: `node bytes-process.ts HIDDEN [retain]`. Each secret is the hidden bytes, bit by bit the
// other way round, and a number. It says `given` once all calls have ended, and ends when its input does.
import { once } from 'node:events'
import { createSecretsManager, type SecretProvider } from '@finchat/secrets-core'
import { memoryProvider } from '@finchat/secrets-testkit'

const [hidden = '', retain] = process.argv.slice(2)
const count = 100

/** Bytes of their own, outside the heap. */
function made(index: number): Uint8Array {
  const suffix = [...String(index).padStart(4, '0')].map((digit) => 48 + Number(digit))
  const values = [...Array.from(Buffer.from(hidden, 'hex'), (byte) => ~byte & 0xff), ...suffix]
  const bytes = new Uint8Array(new ArrayBuffer(values.length))
  bytes.set(values)
  return bytes
}

/** Takes what is written and keeps nothing of it. */
const sink: SecretProvider = {
  specificationVersion: 'v1',
  name: 'sink',
  get: async (path) => (path.startsWith('held') ? { value: '{"a":"1"}', shape: 'map', version: 1 } : undefined),
  put: async () => ({ version: 1 }),
  keepsFields: (path) => path.startsWith('held'),
}

async function use(): Promise<void> {
  const providers = [sink]
  const manager = createSecretsManager({ providers })
  const given = Array.from({ length: count }, (_, index) => made(index))
  for (const [index, bytes] of given.entries()) {
    const calls = [
      manager.verifySecret('missing', bytes),
      manager.verifySecret('held', bytes),
      manager.verifySecret('held', bytes, { field: 'a' }),
      manager.storeSecret(`store-${index}`, bytes),
      manager.rotateSecret(`rotate-${index}`, bytes),
      manager.storeSecret('held', bytes, { field: 'a' }), // refused, as the next two: a field holds text
      manager.storeSecret(`new-${index}`, bytes, { field: 'a' }),
      manager.storeSecret('held', bytes),
      manager.storeSecret('not a name', bytes),
      manager.verifySecret('not a name', bytes),
    ]
    bytes.fill(0)
    await Promise.allSettled(calls)
  }
  await manager.close()
  await stored()
}

/** What the testkit's own store holds is gone with the store. */
async function stored(): Promise<void> {
  const manager = createSecretsManager({ providers: [memoryProvider()] })
  for (let index = 0; index < count; index += 1) {
    const bytes = made(index)
    await manager.storeSecret(`store-${index}`, bytes)
    bytes.fill(0)
    ;(await manager.getSecretValue(`store-${index}`)).bytes().fill(0)
    await manager.deleteSecret(`store-${index}`, { purge: true })
  }
  await manager.close()
}

async function main(): Promise<void> {
  await use()
  const retained = retain === undefined ? undefined : Uint8Array.from(made(0))
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  process.stdout.write('given\n')
  await once(process.stdin, 'data')
  process.exitCode = retained?.length === 0 ? 1 : 0
  process.stdin.destroy()
}

void main()
