import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultInjection, Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, randomFrom } from '../harness/random.ts'
import { inEachSecret, type RotatedSecret } from './rotated-secret.ts'
import { startRotator } from './rotator.ts'
import { storeKinds } from './secret-stores.ts'
import { withServers } from './with-servers.ts'

const rounds: Readonly<Record<Scale, number>> = { short: 2, long: 50 }
/** The second begins so much later, at most. */
const lateMs = 60
const random = randomFrom(newSeed())

export const rotatorsAtOnce: FaultInjection = {
  name: 'two rotations at once',
  promise: 'one of two rotators wins, the other says so, and the password works',
  run: (scale) =>
    withServers(storeKinds, (servers, tally) =>
      inEachSecret(servers, async (secret) => {
        for (let round = 1; round <= rounds[scale]; round += 1) await bothRotate(secret, round % 3 === 0 ? elsewhere : here, tally)
      }),
    ),
}

/** Resolves to the outcome, or to the code of the error. */
type Rotation = (secret: RotatedSecret) => Promise<string>

const here: Rotation = async (secret) => {
  try {
    return (await secret.rotate()).outcome
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

/** In a process of its own. */
const elsewhere: Rotation = async (secret) => {
  const rotator = startRotator(secret.orders)
  await rotator.halts
  return rotator.said.at(-1)?.replace('ended ', '') ?? 'it said nothing'
}

async function bothRotate(secret: RotatedSecret, rotation: Rotation, tally: Tally): Promise<void> {
  const { kind } = secret.orders.store
  const before = await secret.current()
  const second = sleep(random.below(lateMs)).then(() => rotation(secret))
  const ends = (await Promise.all([rotation(secret), second])).toSorted()
  const title = `${kind}: ${ends.join(' and ')}`
  tally.count('rounds')
  tally.count(title)
  const winners = ends.filter((end) => end === 'rotated').length
  const losers = ends.filter((end) => ['finished', 'overtaken', 'VERSION_CONFLICT'].includes(end)).length
  // Where the first has ended before the second began, each made a version.
  const areInSequence = winners === 2 && (await secret.previous()) !== before
  if (!areInSequence && (winners !== 1 || losers !== 1)) tally.fault(title)
  const current = await secret.current()
  if (current === before) tally.fault(`${title}: the password is the old one`)
  if (!(await secret.accepts(current))) tally.fault(`${title}: current is refused`)
  if ((await secret.pending()) !== undefined) tally.fault(`${title}: a version waits`)
}
