// `npm start`: a service queries PostgreSQL all the time, while its password is rotated ten times.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { passwordGenerator } from '@finchat/secrets-rotation'
import { type Database, openDatabase } from './database.ts'
import { startQueries } from './load.ts'
import { openPool } from './pool.ts'
import { rotateOnce, targetOf } from './rotation.ts'
import { startLine } from './screen.ts'

const rotations = 10
const pauseMs = 500
const name = 'database-password'

const interruption = new AbortController()
const { signal } = interruption
for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(each, () => interruption.abort())

const first = passwordGenerator()()
const database = await openDatabase(first)
if (database === undefined) process.exitCode = 1
else await withStore(database)

/** The service and the rotator each have a manager, as two processes would. */
async function withStore(opened: Database): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-rotating-'))
  const store = { path: join(folder, 'secrets.db'), key: generateKey() }
  const [service, rotator] = [store, store].map((options) => createSecretsManager({ providers: [localProvider(options)] }))
  try {
    if (service === undefined || rotator === undefined) return
    await rotator.storeSecret(name, first)
    await play(opened, service, rotator)
  } finally {
    await Promise.all([service?.close(), rotator?.close()])
    await opened.stop()
    rmSync(folder, { recursive: true })
  }
}

async function play({ administrator, role }: Database, service: SecretsManager, rotator: SecretsManager): Promise<void> {
  console.log('200 queries a second; every connection ends after 20 of them.\n')
  const pool = await openPool(service, name, { ...administrator, user: role, max: 20, maxUses: 20 })
  const target = targetOf(administrator, role)
  const load = startQueries(pool)
  const line = startLine(() => ({ ...load.counts, version: pool.version() }))
  try {
    for (let n = 0; n < rotations && !signal.aborted; n += 1) {
      await sleep(pauseMs, undefined, { signal }).catch(() => {}) // interrupted: the loop ends
      if (!signal.aborted) line.rotated(await rotateOnce(rotator, name, target))
    }
    // The last version is in use once a connection was opened with it.
    for (let waits = 0; !signal.aborted && waits < 20 && (waits === 0 || pool.version() !== rotations + 1); waits += 1) await sleep(pauseMs)
  } finally {
    await load.stop()
    line.stop()
    await pool.end()
  }
  if (signal.aborted) console.log('Interrupted.')
  console.log(`\n${load.counts.queries} queries, ${load.counts.failed} failed`)
  process.exitCode = load.counts.failed > 0 ? 1 : signal.aborted ? 130 : 0
}
