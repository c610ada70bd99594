import { setTimeout as sleep } from 'node:timers/promises'
import type { SecretsManager } from '@finchat/secrets-core'
import { liveSecret } from '@finchat/secrets-core/live'
import { rotatingPool } from '@finchat/secrets-rotation-tests/recipes/pg'
import { currentUser } from '@finchat/secrets-rotation-tests/recipes/pg-two-users'
import { type PostgresLogin, postgresRoleLogin, postgresUsersLogin } from '@finchat/secrets-rotation-tests/testing/postgres-login'
import { findServer, type Postgres, startPostgres } from '@finchat/secrets-test-servers'
import { Pool, type PoolConfig } from 'pg'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { inScratch } from '../harness/scratch.ts'
import { p99, startQueries } from './query-load.ts'
import {
  type Managers,
  openManagers,
  rotatorName,
  type SecretStore,
  serviceName,
  startStore,
  type StoreKind,
  storeKinds,
} from './secret-stores.ts'

const rotations: Readonly<Record<Scale, number>> = { short: 10, long: 100 }
const pauseMs: Readonly<Record<Scale, number>> = { short: 50, long: 150 }
/** Connections end after so many queries, or when they are idle, so that there are always logins. */
const churn: PoolConfig = { max: 20, maxUses: 60, idleTimeoutMillis: 50 }

interface Way {
  readonly title: string
  readonly login: (server: Postgres) => Promise<PostgresLogin>
  readonly pool: (secrets: SecretsManager, config: PoolConfig) => Promise<Pool>
}

const oneRole: Way = {
  title: 'one role',
  login: postgresRoleLogin,
  pool: async (secrets, config) => {
    const password = liveSecret(secrets, serviceName).asPasswordFunction({ field: 'password' })
    return rotatingPool(secrets, serviceName, { ...config, password })
  },
}

const ways: readonly Way[] = [
  oneRole,
  {
    title: 'two users',
    login: postgresUsersLogin,
    pool: async (secrets, config) => rotatingPool(secrets, serviceName, { ...config, Client: await currentUser(secrets, serviceName) }),
  },
]

/** Reads the password at each connection, but knows no second attempt: the load must notice that. */
const withoutRecipe: Way = {
  ...oneRole,
  title: 'without useSecret',
  pool: async (secrets, config) => new Pool({ ...config, password: () => secrets.getSecret(serviceName) }),
}

export const rotationUnderLoad: FaultInjection = {
  name: 'rotation under load',
  promise: 'no query of a pool of 20 connections with churn fails while the password of PostgreSQL is rotated',
  run: async (scale) => {
    const tally = new Tally()
    if (!isThere('postgres', tally)) return tally
    const server = await startPostgres()
    try {
      await inScratch((folder) => rotateIn('local', folder, server, scale, tally))
      for (const kind of storeKinds.slice(1)) if (isThere(kind, tally)) await rotateIn(kind, '', server, scale, tally)
    } finally {
      await server.stop()
    }
    return tally
  },
}

function isThere(name: 'postgres' | StoreKind, tally: Tally): boolean {
  if (name === 'local') return true
  const found = findServer(name)
  if (!found.found) tally.notRun.push(`${found.title}: ${found.reason}: ${found.remedy}`)
  return found.found
}

async function rotateIn(kind: StoreKind, folder: string, server: Postgres, scale: Scale, tally: Tally): Promise<void> {
  const store = await startStore[kind](folder)
  try {
    if (kind === 'local') await control(store, server, tally)
    await trial({ kind, store, server, way: oneRole, times: 0, scale }, tally)
    for (const way of ways) await trial({ kind, store, server, way, times: rotations[scale], scale }, tally)
  } finally {
    await store.stop()
  }
}

interface Trial {
  readonly kind: StoreKind
  readonly store: SecretStore
  readonly server: Postgres
  readonly way: Way
  readonly times: number
  readonly scale: Scale
}

async function trial(given: Trial, tally: Tally): Promise<void> {
  const { kind, way, times } = given
  const { failures, latenciesMs } = await loadOf(given, tally)
  const title = times === 0 ? `${kind}, no rotation` : `${kind}, ${way.title}`
  tally.count('queries', latenciesMs.length)
  tally.counts.set(`ms: p99 of ${title}`, Math.ceil(p99(latenciesMs)))
  for (const [reason, each] of Map.groupBy(failures, String)) tally.fault(`${each.length} queries failed with ${reason}: ${title}`)
}

async function control(store: SecretStore, server: Postgres, tally: Tally): Promise<void> {
  const { failures } = await loadOf({ kind: 'local', store, server, way: withoutRecipe, times: 2, scale: 'short' }, new Tally())
  tally.count('queries refused without the recipe', failures.length)
  if (!failures.includes('28P01')) tally.fault('no query is refused without the recipe: the load notices no rotation')
}

async function loadOf({ kind, store, server, way, times, scale }: Trial, tally: Tally): Promise<ReturnType<typeof startQueries>> {
  const { first, config, rotate } = await way.login(server)
  // As a field in every store: a target takes Vault's form of a lone text, `{ value }`, for fields without a password.
  const fields = typeof first === 'string' ? { password: first } : first
  const managers: Managers = await openManagers(store, `${kind}/${config.user}`, fields)
  const pool = await way.pool(managers.service, { ...config, ...churn })
  pool.on('connect', () => tally.count('logins'))
  const load = startQueries(pool)
  try {
    await sleep(4 * pauseMs[scale])
    if (times === 0) await sleep(rotations[scale] * pauseMs[scale])
    for (let n = 0; n < times; n += 1) {
      await rotate(managers.rotator, rotatorName)
      tally.count('rotations')
      await sleep(pauseMs[scale])
    }
  } finally {
    await load.stop()
    await pool.end()
    await managers.close()
  }
  return load
}
