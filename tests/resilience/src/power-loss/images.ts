import { join } from 'node:path'
import type { Tally } from '../harness/fault-injection.ts'
import { inMemory } from '../harness/scratch.ts'
import type { Ledger } from '../workload/ledger.ts'
import { verifyStore } from '../workload/observe.ts'
import { writeFolder } from './disk.ts'

/** Opens the store that a power cut left; it must hold everything acknowledged. */
export async function tryImage(image: ReadonlyMap<string, Buffer>, acknowledged: Ledger, when: string, tally: Tally): Promise<void> {
  const ledger = acknowledged.copy()
  await inMemory(async (folder) => {
    writeFolder(folder, image)
    await verifyStore(join(folder, 'secrets.db'), 0, ledger)
  })
  tally.count('disk images opened')
  for (const fault of ledger.faults) tally.fault(`${when}: ${fault}`)
}
