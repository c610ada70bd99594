import { findServer, type Postgres, startPostgres } from '@finchat/secrets-test-servers'
import { Tally } from '../harness/fault-injection.ts'
import { inScratch } from '../harness/scratch.ts'
import { type SecretStore, startStore, type StoreKind } from './secret-stores.ts'

export interface Servers {
  readonly postgres: Postgres
  readonly stores: readonly SecretStore[]
}

/** Runs the work with a PostgreSQL and those of the stores that this machine has. */
export async function withServers(kinds: readonly StoreKind[], work: (servers: Servers, tally: Tally) => Promise<void>): Promise<Tally> {
  const tally = new Tally()
  if (!isThere('postgres', tally)) return tally
  const found = kinds.filter((kind) => isThere(kind, tally))
  await inScratch(async (folder) => {
    const [postgres, ...stores] = await Promise.all([startPostgres(), ...found.map((kind) => startStore[kind](folder))])
    try {
      await work({ postgres, stores }, tally)
    } finally {
      await Promise.all([postgres, ...stores].map(({ stop }) => stop()))
    }
  })
  return tally
}

function isThere(name: 'postgres' | StoreKind, tally: Tally): boolean {
  if (name === 'local') return true
  const found = findServer(name)
  if (!found.found) tally.notRun.push(`${found.title}: ${found.reason}: ${found.remedy}`)
  return found.found
}
