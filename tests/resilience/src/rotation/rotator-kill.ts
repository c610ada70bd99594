import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultInjection, Tally } from '../harness/fault-injection.ts'
import { newSeed, randomFrom } from '../harness/random.ts'
import { inEachSecret, type RotatedSecret } from './rotated-secret.ts'
import { startRotator } from './rotator.ts'
import { withServers } from './with-servers.ts'

/** In the long form, of each secret: a role's and two users', in two stores. */
const kills = 50
/** Where the short form kills. */
const chosen = ['after put', 'before apply', 'after apply', 'after test', 'before promote', 'after promote']

export const rotatorKill: FaultInjection = {
  name: 'kill -9 of a rotation',
  promise: 'current or pending logs in, whenever a rotator is killed, and the next run makes it current',
  run: (scale) =>
    withServers(scale === 'short' ? ['local'] : ['local', 'openbao'], (servers, tally) =>
      inEachSecret(servers, (secret) => (scale === 'short' ? killAtChosen(secret, tally) : killEverywhere(secret, tally))),
    ),
}

async function killAtChosen(secret: RotatedSecret, tally: Tally): Promise<void> {
  for (const haltAt of chosen) {
    if (!(await killAt(secret, haltAt, tally))) tally.fault(`no rotator comes to '${haltAt}'`)
    await nextRun(secret, tally)
  }
}

/**
 * Walks through the boundaries of a rotation that begins, and of one that finishes what a killed
 * one left. Each fourth rotator is killed in the call that follows.
 */
async function killEverywhere(secret: RotatedSecret, tally: Tally): Promise<void> {
  const next = { begun: 1, found: 1 }
  for (let killed = 0; killed < kills;) {
    const state = (await secret.pending()) === undefined ? 'begun' : 'found'
    const isKilled = await killAt(secret, next[state], tally, killed % 4 === 3)
    next[state] = isKilled ? next[state] + 1 : 1
    if (isKilled) killed += 1
    else tally.count(`rotations ${state}, killed at each boundary`)
    if (state === 'found' || (await secret.pending()) === undefined) await nextRun(secret, tally)
  }
}

const random = randomFrom(newSeed())

/** False: it ended before. */
async function killAt(secret: RotatedSecret, haltAt: number | string, tally: Tally, isInCall = false): Promise<boolean> {
  const rotator = startRotator({ ...secret.orders, haltAt, halt: isInCall ? 'tell' : 'stop' })
  const boundary = await rotator.halts
  if (boundary !== undefined && isInCall) await sleep(random.below(8))
  await rotator.kill()
  if (boundary === undefined) return false
  tally.count('kills')
  tally.count(`killed ${boundary}${isInCall ? ', or in what followed' : ''}`)
  const works = await secret.works()
  if (works === 'pending') tally.count('times when current was refused, and pending worked')
  if (works === 'neither') tally.fault(`neither current nor pending logs in: killed ${boundary}`)
  return true
}

async function nextRun(secret: RotatedSecret, tally: Tally): Promise<void> {
  const staged = await secret.pending()
  const { outcome } = await secret.rotate()
  tally.count(`next runs: ${outcome}`)
  const current = await secret.current()
  if (!(await secret.accepts(current))) tally.fault(`current is refused after the next run (${outcome})`)
  if ((await secret.pending()) !== undefined) tally.fault(`a version waits after the next run (${outcome})`)
  const isMade = staged === undefined || staged === current || staged === (await secret.previous())
  if (!isMade) tally.fault(`what was staged was never made current (${outcome})`)
}
