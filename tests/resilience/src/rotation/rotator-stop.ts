import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultInjection, Tally } from '../harness/fault-injection.ts'
import { inEachSecret, type RotatedSecret } from './rotated-secret.ts'
import { type Rotator, startRotator } from './rotator.ts'
import { withServers } from './with-servers.ts'

/** Where the short form stops. */
const chosen = ['before apply', 'after apply', 'before promote']
/** Between two looks at what logs in. */
const pauseMs = 10

export const rotatorStop: FaultInjection = {
  name: 'SIGSTOP of a rotation',
  promise: 'a rotator that goes on after two others have passed, and is killed after its apply, brings no old password back',
  run: (scale) =>
    withServers(scale === 'short' ? ['local'] : ['local', 'openbao'], (servers, tally) =>
      inEachSecret(servers, async (secret) => {
        await control(secret, tally)
        await (scale === 'short' ? stopAtChosen(secret, tally) : stopEverywhere(secret, tally))
      }),
    ),
}

/** Without a fence, the old password comes back. Otherwise nothing would be proved. */
async function control(secret: RotatedSecret, tally: Tally): Promise<void> {
  const stopped = await stopAt(secret, 'before apply', { isFenced: false, diesAfterApply: true })
  if (stopped === undefined || (await harmDone(secret, stopped)).length === 0) tally.fault('an unfenced target brings no old password back')
  tally.count('old passwords that came back without a fence')
  await secret.rotate()
}

async function stopAtChosen(secret: RotatedSecret, tally: Tally): Promise<void> {
  for (const haltAt of chosen) if (!(await passedBy(secret, haltAt, true, tally))) tally.fault(`no rotator comes to '${haltAt}'`)
}

/** At each boundary twice: it is killed after its apply, and it goes on to its end. */
async function stopEverywhere(secret: RotatedSecret, tally: Tally): Promise<void> {
  for (const diesAfterApply of [true, false]) for (let at = 1; await passedBy(secret, at, diesAfterApply, tally); at += 1);
}

/** False: it ended before. */
async function passedBy(secret: RotatedSecret, haltAt: number | string, diesAfterApply: boolean, tally: Tally): Promise<boolean> {
  const stopped = await stopAt(secret, haltAt, { diesAfterApply })
  if (stopped === undefined) return false
  tally.count('stops')
  tally.count('old passwords that were withdrawn meanwhile', stopped.old.length)
  const harm = await harmDone(secret, stopped)
  tally.count(stopped.rotator.child.signalCode === 'SIGKILL' ? 'killed after a late apply' : 'went on to the end')
  for (const each of harm) tally.fault(`${each}: stopped ${stopped.boundary}`)
  const { outcome } = await secret.rotate()
  if (!(await secret.accepts(await secret.current()))) tally.fault(`current is refused after the next run (${outcome})`)
  return true
}

interface Stopped {
  readonly rotator: Rotator
  readonly boundary: string
  /** Passwords that were current or pending when it stopped, and are refused by now. */
  readonly old: readonly string[]
}

type Manner = Pick<RotatedSecret['orders'], 'diesAfterApply' | 'isFenced'>

/**
 * Stops a rotator, and lets two others rotate meanwhile. Where users take turns these are three, so
 * that its user gets another password.
 */
async function stopAt(secret: RotatedSecret, haltAt: number | string, manner: Manner): Promise<Stopped | undefined> {
  const rotator = startRotator({ ...secret.orders, ...manner, haltAt })
  const boundary = await rotator.halts
  if (boundary === undefined) return undefined
  const known = [await secret.current(), (await secret.pending()) ?? (await secret.previous())]
  const others = 'users' in secret.orders.roles ? 3 : 2
  for (let other = 0; other < others; other += 1) await secret.rotate()
  const old: string[] = []
  for (const password of known) if (password !== undefined && !(await secret.accepts(password))) old.push(password)
  return { rotator, boundary, old }
}

/** Lets it go on, and looks all the time and afterwards which passwords log in. */
async function harmDone(secret: RotatedSecret, { rotator, old }: Stopped): Promise<string[]> {
  const harm = new Set<string>()
  let isGone = false
  const gone = rotator.goOn().finally(() => (isGone = true))
  for (let isLast = false; !isLast;) {
    isLast = isGone
    await sleep(pauseMs)
    if ((await secret.works()) === 'neither') harm.add('neither current nor pending logs in')
    for (const password of old) if (await secret.accepts(password)) harm.add('an old password logs in again')
  }
  await gone
  return [...harm]
}
