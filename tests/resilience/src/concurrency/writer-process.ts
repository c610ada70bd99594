import { localProvider } from '@finchat/secrets-provider-local'
import { givenOrders } from '../harness/child.ts'
import { context } from '../workload/observe.ts'
import { type Orders, wholeValue, writersKey } from './orders.ts'

/* One of several processes that rotate the same secrets. Prints each version once it was acknowledged. */
const { path, names, id, rotations } = givenOrders() as Orders // as the parent process gives them

async function rotate(): Promise<void> {
  const provider = localProvider({ path, key: writersKey, keepVersions: 'all', lockTimeoutMs: 120_000 })
  for (let n = 0; n < rotations; n++) {
    const name = names[Math.floor(Math.random() * names.length)] ?? ''
    const value = wholeValue(`${id}.${n}`)
    const { version } = await provider.put(name, { value }, context)
    process.stdout.write(`${JSON.stringify({ name, version, value })}\n`)
  }
  await provider.close()
}

void rotate()
