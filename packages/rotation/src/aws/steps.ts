import type { SecretValue } from '@finchat/secrets-core'
import { pendingSecret, stageSecret, type PendingSecret } from '@finchat/secrets-core/staging'
import { type Ending, finish, giveWay, makeAccepted, set } from '../engine/finish.ts'
import { assertGraceIsOver } from '../engine/grace.ts'
import type { Run } from '../engine/rotate-options.ts'
import { isOutdated as isMadeFromAnother } from '../engine/staged-note.ts'
import { hasSameContent, readCurrent, type Waiting } from '../engine/stored-versions.ts'
import { isAccepted, nextValue } from '../engine/target-steps.ts'
import type { Generate } from '../targets/target.ts'
import type { AwsRotationStep } from './rotation-event.ts'
import { nothingToSet, noValue, overtaken, refused, writtenMeanwhile } from './rotation-refusals.ts'
import type { RotationStore } from './rotation-store.ts'

/** One step of a rotation, for the version that is AWSPENDING. */
export interface Rotation {
  readonly run: Run
  readonly generate: Generate
  readonly token: string
  readonly store: RotationStore
  /** The attempt of the version, which targets fence by. */
  readonly attempt: () => Promise<number>
}

export const steps: Readonly<Record<AwsRotationStep, (rotation: Rotation) => Promise<void>>> = {
  createSecret: async (rotation) => {
    const { run, generate } = rotation
    if ((await readStaged(rotation)) !== undefined) return
    const current = await readCurrent(run)
    await assertGraceIsOver(run, current)
    const value = await nextValue(run, current, generate)
    const now = await readCurrent(run) // of a document, another field may have been written meanwhile
    if (!hasSameContent(now, current)) throw writtenMeanwhile()
    run.progress.enter('stage')
    await stageSecret(run.secrets, run.name, value, { ...run.call, note: { onto: now.revision ?? '' } })
  },
  setSecret: async (rotation) => goOn(rotation, await readValue(rotation), set),
  testSecret: async (rotation) => {
    const { run } = rotation
    const found = await readValue(rotation)
    if (found === undefined) return
    if (found.attempt !== undefined) return goOn(rotation, found, (...staged) => makeAccepted(...staged, 'set'))
    // AWS tests a new configuration with a version of its own, which is not to be set.
    if (!(await isAccepted(run, found.value))) throw refused(run.name)
  },
  finishSecret: async (rotation) => {
    await goOn(rotation, await readValue(rotation), (...staged) => finish(...staged, 'set'))
    rotation.run.progress.enter('done', { outcome: 'rotated' })
  },
}

async function goOn(
  rotation: Rotation,
  found: PendingSecret | undefined,
  work: (run: Run, staged: Waiting, current: SecretValue) => Promise<Ending | undefined>,
): Promise<void> {
  const { run, attempt } = rotation
  if (found === undefined) return
  const staged = { ...found, attempt: await attempt() }
  const current = await readCurrent(run)
  run.progress.concerns(staged)
  if (current.revision !== rotation.token && hasSameContent(found.value, current)) throw nothingToSet(run.name)
  const ending = isOutdated(rotation, staged, current) ? await giveWay(run, staged) : await work(run, staged, current)
  // A write during the step: the target follows it, though no further step may come.
  const late = ending === undefined && isOutdated(rotation, staged, await readCurrent(run)) ? await giveWay(run, staged) : ending
  if (late?.isOvertaken) throw overtaken(run.name)
}

/** Undefined: the version became current meanwhile. */
async function readValue(rotation: Rotation): Promise<PendingSecret | undefined> {
  const { run, token } = rotation
  const found = await readStaged(rotation)
  if (found === undefined && (await readCurrent(run)).revision !== token) throw noValue(run.name)
  return found
}

/** The version of this rotation, if it has a value. */
async function readStaged({ run, token }: Rotation): Promise<PendingSecret | undefined> {
  const found = await pendingSecret(run.secrets, run.name, run.call)
  if (found === undefined || found.revision === token) return found
  throw overtaken(run.name)
}

/** The staged version was made from another than the current one. By AWS's dates where another function put it. */
function isOutdated({ store: { createdAt }, token }: Rotation, staged: Waiting, current: SecretValue): boolean {
  const { revision } = current
  if (revision === token) return false // it was promoted meanwhile
  if (staged.note?.['onto'] !== undefined) return isMadeFromAnother(staged, current)
  return (createdAt.get(revision ?? '') ?? 0) > (staged.stagedAt ?? Infinity)
}
