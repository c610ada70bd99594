import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import { givenOrders } from '../harness/child.ts'
import type { Entry } from '../workload/ledger.ts'
import { context } from '../workload/observe.ts'
import { keptByWrites, type Operation, valueOf } from '../workload/operation.ts'
import { outcomeOf } from '../workload/outcome.ts'
import { storeKeys } from '../workload/store-keys.ts'

/*
 * Runs in a mount namespace of its own. Writes until its disk of 300 KB is full, and some more. Then
 * it writes with the disk read-only, and with a larger disk. It opens the store anew each time: a disk
 * with a file open for writing cannot become read-only. Copies the store out of the namespace, with a
 * line for each change.
 */
const { disk, log, copy } = givenOrders() as { disk: string; log: string; copy: string } // as the parent process gives them
const path = join(disk, 'secrets.db')

async function run(): Promise<void> {
  mount('-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', disk)
  const entries = await putSome(40)
  mount('-o', 'remount,ro', disk)
  entries.push(...(await putSome(5)))
  mount('-o', 'remount,rw,size=4m', disk)
  entries.push(...(await putSome(15)))
  copyFileSync(path, copy)
  writeFileSync(log, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
}

let label = 0

async function putSome(count: number): Promise<Entry[]> {
  const provider = localProvider({ path, keys: storeKeys(0), keepVersions: keptByWrites, lockTimeoutMs: 1000 })
  const entries: Entry[] = []
  for (let n = 0; n < count; n++) entries.push(...(await putOne(provider)))
  await provider.close()
  return entries
}

async function putOne(provider: LocalProvider): Promise<Entry[]> {
  const operation: Operation = { do: 'put', name: `name/${label % 7}`, text: { label: `${label++}`, length: 4000 } }
  const write = provider.put(operation.name, { value: valueOf(operation.text) }, context)
  return [{ about: operation }, { ended: await outcomeOf(write.then(({ version }) => ({ version }))) }]
}

function mount(...options: string[]): void {
  execFileSync('mount', options)
}

void run()
