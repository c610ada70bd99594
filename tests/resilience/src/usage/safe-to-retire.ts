import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey } from '@finchat/secrets-cache-keyv'
import { functionTarget, type RotationStatus, rotationStatus, retirePrevious } from '@finchat/secrets-rotation'
import { type CacheServer, withServer } from '../fleet/servers.ts'
import { type Member, startMember } from '../fleet/shared-fleet.ts'
import { type FaultInjection, type Scale, Tally } from '../harness/fault-injection.ts'
import { inScratch } from '../harness/scratch.ts'
import { name } from './orders.ts'
import { UsingProcess } from './using-fleet.ts'
import { addVersion, endAhead, valueOf, versionsStore } from './versions-file.ts'

const sizes: Readonly<Record<Scale, number>> = { short: 12, long: 40 }
/** Between versions, by the clock of the store: more than clocks may differ by. */
const betweenMs = 120_000
const longestWaitMs = 120_000

export const safeToRetire: FaultInjection = {
  name: 'safe to retire',
  promise: 'a former version is never said to be safe to withdraw while a process that is pinned, stopped or killed may use it',
  run: async (scale) => {
    const tally = new Tally()
    await withServer('redis', tally, (server) => retireBesideUsers(sizes[scale], server, tally, scale === 'long'))
    return tally
  },
}

/** The store, the fleet over it, and what a rotator sees of it. */
interface Trial {
  readonly fleet: readonly UsingProcess[]
  readonly tally: Tally
  readonly status: () => Promise<RotationStatus>
  readonly rotate: () => void
  /** From now on, no version has a time ahead of the clock. */
  readonly endAhead: () => void
}

async function retireBesideUsers(size: number, server: CacheServer, tally: Tally, hasFlush: boolean): Promise<void> {
  await inScratch(async (folder) => {
    const file = join(folder, 'versions.json')
    const cache = { encryptionKey: generateKey(), timeoutMs: 1_000 }
    let at = Date.now() - betweenMs
    const rotate = (): void => addVersion(file, (at += betweenMs))
    rotate()
    const orders = { url: server.url, file, encryptionKey: cache.encryptionKey }
    const fleet = Array.from({ length: size }, (_, n) => new UsingProcess({ ...orders, actor: `actor-canary-${n}`, isPinned: n < 2 }))
    const rotator = await startMember({
      kind: 'redis',
      url: server.url,
      provider: versionsStore(file),
      ttlSeconds: 1,
      hasClient: true,
      cache,
    })
    try {
      await Promise.all(fleet.map((each) => each.ready()))
      tally.count('processes', size)
      await play(
        { fleet, tally, rotate, endAhead: () => endAhead(file), status: () => rotationStatus(rotator.secrets, name) },
        rotator,
        server,
        hasFlush,
      )
      await lookForCanaries(server, tally)
    } finally {
      await Promise.all(fleet.map((each) => each.kill()))
      await rotator.close()
    }
  })
}

async function play(trial: Trial, rotator: Member, server: CacheServer, hasFlush: boolean): Promise<void> {
  const { fleet, rotate, tally } = trial
  const [pinned, other, stopped, killed] = fleet
  if (pinned === undefined || other === undefined || stopped === undefined || killed === undefined)
    throw new Error('the fleet is too small')
  rotate() // version 2: from now on marks are complete
  await Promise.all([pinned.take(), other.take()])
  await until(trial, 'no process uses version 1', ({ users }) => users.length === 0)

  stopped.signal('SIGSTOP')
  rotate()
  await until(trial, 'two pinned and one stopped use version 2', ({ users }) => users.length === 3)
  await pinned.take()
  await other.close()
  await until(trial, 'the stopped one uses version 2', ({ users }) => users.length === 1)
  stopped.signal('SIGCONT')
  await until(trial, 'version 2 is safe to withdraw', ({ verdict }) => verdict === 'safe', true)

  await killed.kill()
  rotate()
  await pinned.take()
  await until(trial, 'the killed one uses version 3', ({ users }) => users.length === 1)
  await force(rotator, tally)
  await until(trial, 'version 3 was withdrawn by force', ({ verdict }) => verdict === 'safe', true)
  if (hasFlush) await flush(trial, stopped, pinned, server)
}

/** A stopped process is forgotten by the server, and so by everybody. */
async function flush(trial: Trial, stopped: UsingProcess, pinned: UsingProcess, server: CacheServer): Promise<void> {
  const before = (await trial.status()).users.length
  stopped.signal('SIGSTOP')
  trial.rotate()
  await pinned.take()
  await until(trial, 'the stopped one uses version 4', ({ users }) => users.length === before + 1)
  trial.endAhead()
  await server.flush()
  trial.tally.count('flushes')
  await until(
    trial,
    'all others have registered again',
    ({ verdict, gap, users }) => verdict === 'unknown' && gap === 'lost' && users.length === 0,
  )
  for (const end = Date.now() + 35_000; Date.now() < end; await sleep(100)) await statusOf(trial, false)
  stopped.signal('SIGCONT')
}

async function force({ secrets }: Member, tally: Tally): Promise<void> {
  const target = functionTarget({ apply: async () => {}, test: async () => 'accepted', retire: async () => tally.count('withdrawn') })
  const options = { target, graceSeconds: 0, whenUnused: true }
  const { outcome } = await retirePrevious(secrets, name, options)
  if (outcome !== 'notSafe') tally.fault(`withdrawn though a killed process used it: ${outcome}`)
  await retirePrevious(secrets, name, { ...options, force: true })
}

/** Asks until the status is this; until then it must never be safe. */
async function until(trial: Trial, what: string, isReached: (status: RotationStatus) => boolean, maySay = false): Promise<void> {
  const deadline = Date.now() + longestWaitMs
  for (;;) {
    const status = await statusOf(trial, maySay)
    if (isReached(status)) return trial.tally.count('stages')
    if (Date.now() > deadline) {
      const { verdict, gap, users } = status
      return trial.tally.fault(`not reached: ${what} (${verdict}, ${gap}, ${users.length} users)`)
    }
    await sleep(50)
  }
}

async function statusOf({ status, tally }: Trial, maySay: boolean): Promise<RotationStatus> {
  const found = await status()
  tally.count('looks')
  if (found.verdict === 'safe' && !maySay) tally.fault('said to be safe while a process may use the former version')
  return found
}

async function lookForCanaries(server: CacheServer, tally: Tally): Promise<void> {
  const dump = await server.dump()
  for (const text of [valueOf(1), valueOf(2), name, 'actor-canary', 'versions-file-canary'])
    for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
      if (dump.includes(Buffer.from(text).toString(encoding).replace(/=+$/, '')))
        tally.fault(`the cache server holds '${text}' (${encoding})`)
}
