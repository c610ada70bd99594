import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultInjection, Scale, Tally } from '../harness/fault-injection.ts'
import { newSeed, randomFrom } from '../harness/random.ts'
import { inEachSecret, type RotatedSecret } from './rotated-secret.ts'
import { storeKinds } from './secret-stores.ts'
import { withServers } from './with-servers.ts'

const rounds: Readonly<Record<Scale, number>> = { short: 3, long: 50 }
/** The second begins so much later, at most. */
const lateMs = 60
const random = randomFrom(newSeed())

export const rotatorsAtOnce: FaultInjection = {
  name: 'two rotations at once',
  promise: 'one of two rotators wins, the other says so, and the password works',
  run: (scale) =>
    withServers(storeKinds, (servers, tally) =>
      inEachSecret(servers, async (secret) => {
        for (let round = 0; round < rounds[scale]; round += 1) await bothRotate(secret, tally)
      }),
    ),
}

async function bothRotate(secret: RotatedSecret, tally: Tally): Promise<void> {
  const { kind } = secret.orders.store
  const before = await secret.current()
  const ends = await Promise.all([endOf(secret), sleep(random.below(lateMs)).then(() => endOf(secret))])
  tally.count('rounds')
  tally.count(
    `${kind}: ${ends
      .map(({ says }) => says)
      .toSorted()
      .join(' and ')}`,
  )
  const winners = ends.filter(({ says }) => says === 'rotated')
  const versions = new Set(winners.map(({ version }) => version))
  // The second may also begin when the first has ended: then each made a version.
  if (versions.size !== winners.length || winners.length === 0) tally.fault(`${kind}: ${ends.map(({ says }) => says).join(' and ')}`)
  for (const { says } of ends) if (!known.has(says)) tally.fault(`${kind}: a rotator ends with ${says}`)
  const current = await secret.current()
  if (current === before) tally.fault(`${kind}: the password is the old one`)
  if (!(await secret.accepts(current))) tally.fault(`${kind}: current is refused`)
  if ((await secret.pending()) !== undefined) tally.fault(`${kind}: a version waits`)
}

const known: ReadonlySet<string> = new Set(['rotated', 'finished', 'overtaken', 'VERSION_CONFLICT'])

interface End {
  /** The outcome, or the code of the error. */
  readonly says: string
  readonly version?: number | undefined
}

async function endOf(secret: RotatedSecret): Promise<End> {
  try {
    const { outcome, version } = await secret.rotate()
    return { says: outcome, version }
  } catch (error) {
    return { says: error instanceof Error && 'code' in error ? String(error.code) : String(error) }
  }
}
