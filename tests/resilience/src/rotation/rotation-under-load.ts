import { setTimeout as sleep } from 'node:timers/promises'
import type { Postgres } from '@finchat/secrets-test-servers'
import type { PoolConfig } from 'pg'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { type LoginWay, oneRole, twoUsers, withoutPending, withoutRecipe, withSmallBudget } from './login-ways.ts'
import { p99, type QueryLoad, startQueries } from './query-load.ts'
import { openManagers, rotatorName, type SecretStore, storeKinds } from './secret-stores.ts'
import { withServers } from './with-servers.ts'

const rotations: Readonly<Record<Scale, number>> = { short: 5, long: 100 }
/** Without pending. Each takes some seconds. */
const slowRotations: Readonly<Record<Scale, number>> = { short: 1, long: 20 }
const pauseMs: Readonly<Record<Scale, number>> = { short: 50, long: 150 }
/** Connections end after so many queries, or when idle, so that there are always logins. */
const churn: PoolConfig = { max: 20, maxUses: 60, idleTimeoutMillis: 50 }

export const rotationUnderLoad: FaultInjection = {
  name: 'rotation under load',
  promise: 'no query of a pool of 20 connections with churn fails while the password of PostgreSQL is rotated',
  run: (scale) =>
    withServers(storeKinds, async ({ postgres, stores }, tally) => {
      for (const store of stores) await rotateIn(store, { server: postgres, scale }, tally)
    }),
}

interface Given {
  readonly server: Postgres
  readonly scale: Scale
}

async function rotateIn(store: SecretStore, given: Given, tally: Tally): Promise<void> {
  const [often, seldom] = [rotations[given.scale], slowRotations[given.scale]]
  const isLocal = store.address.kind === 'local'
  // What depends on no store is tried with one of them in the short form.
  const isFull = isLocal || given.scale === 'long'
  // After its first rotation every query is one more refused login: more rotations would fill the server.
  if (isLocal) await control(withoutRecipe, { ...given, store, times: rotations.short }, tally)
  if (isLocal) await control(withSmallBudget, { ...given, store, times: 1 }, tally)
  if (isFull) await trial(oneRole, { ...given, store, times: 0 }, tally)
  for (const way of [oneRole, twoUsers]) await trial(way, { ...given, store, times: often }, tally)
  if (isFull) await trial(withoutPending, { ...given, store, times: seldom }, tally)
}

interface Trial extends Given {
  readonly store: SecretStore
  readonly times: number
}

async function trial(way: LoginWay, given: Trial, tally: Tally): Promise<void> {
  const { failures, latenciesMs } = await loadOf(way, given, tally)
  const title = `${given.store.address.kind}, ${given.times === 0 ? 'no rotation' : way.title}`
  tally.count('queries', latenciesMs.length)
  tally.counts.set(`ms: p99 of ${title}`, Math.ceil(p99(latenciesMs)))
  for (const [reason, each] of Map.groupBy(failures, String)) tally.fault(`${each.length} queries failed with ${reason}: ${title}`)
}

/** What must fail, so that a load that fails nothing means something. */
async function control(way: LoginWay, given: Trial, tally: Tally): Promise<void> {
  const { failures } = await loadOf(way, given, new Tally())
  tally.count(`queries refused ${way.title}`, failures.length)
  if (!failures.includes('28P01')) tally.fault(`no query is refused ${way.title}: the load notices no rotation`)
}

async function loadOf(way: LoginWay, { store, server, times, scale }: Trial, tally: Tally): Promise<QueryLoad> {
  const { first, config, rotate } = await way.login(server)
  // As a field in every store, so that one password function reads it.
  const fields = typeof first === 'string' ? { password: first } : first
  const managers = await openManagers(store, `login/${config.user}`, fields, way)
  const pool = await way.pool(managers.service, { ...config, ...churn })
  // The server may stop while an ended connection is still closing.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    tally.count('logins')
  })
  const load = startQueries(pool)
  try {
    await sleep(4 * pauseMs[scale])
    if (times === 0) await sleep(rotations[scale] * pauseMs[scale])
    for (let n = 0; n < times; n += 1) {
      await rotate(managers.rotator, rotatorName)
      tally.count('rotations')
      await sleep(times === 1 ? pauseMs[scale] : (way.pauseMs ?? pauseMs[scale]))
    }
  } finally {
    await load.stop()
    await pool.end()
    await managers.close()
  }
  return load
}
