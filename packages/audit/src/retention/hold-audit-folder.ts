import { resolve } from 'node:path'
import { knownOptions, SecretsError } from '@finchat/secrets-core/provider'
import { folderError, shownPath } from '../disk/folder-errors.ts'
import type { HoldMark } from '../format/index-marks.ts'
import type { HoldChange } from '../format/prune-mark.ts'
import { assertFolder } from '../record/errors.ts'
import { currentFolder } from '../file/current-folder.ts'
import { advanceEpoch } from '../file/next-epoch.ts'
import { assertFirst } from '../file/rotate-audit-folder.ts'
import { assertReason } from './prune-audit-folder.ts'
import { HoldWatch } from './pruned-folders.ts'
import { whileDeciding, whileRemoving } from './retention-locks.ts'
import { reasonsOf } from './under-hold.ts'

/** What `holdAuditFolder` takes. */
export interface HoldAuditOptions {
  /** For the auditor, and what the hold is known by: `case 4711`. Not a secret; at most 1,000 characters. */
  readonly reason: string
}

/** What `releaseAuditFolder` takes. */
export interface ReleaseAuditOptions {
  /** For the auditor: `case 4711 is closed`. Not a secret; at most 1,000 characters. */
  readonly reason: string
  /** The reason of the hold to end. Default: the only one in force. */
  readonly hold?: string | undefined
}

/**
 * Begins a legal hold: `pruneAuditFolder` and `eraseAuditNames` refuse until `releaseAuditFolder` ended
 * each hold. Once it resolves, nothing is removed: it waits for a removal or an erasure that is under
 * way, which ends with the files it was about to remove. With a reason that is in force already it
 * records nothing. Returns the holds in force.
 *
 * The index keeps begin and end, and a verification reports them. Checkpoints of processes that start
 * later prove that it was not set back. Throws `CONFIGURATION` for invalid options, `AUDIT_FAILED` if
 * the folder cannot be written, and `INTEGRITY` if its index is not as it was left.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 * import { holdAuditFolder, pruneAuditFolder } from '@finchat/secrets-audit/folder'
 *
 * await initAuditFolder('under-hold')
 * await holdAuditFolder('under-hold', { reason: 'case 4711' })
 * const refused = await pruneAuditFolder('under-hold', { before: 0, reason: 'retention' }).catch(({ code }) => code)
 * console.log(refused) // CONFIGURATION
 */
export async function holdAuditFolder(folder: string, options: HoldAuditOptions): Promise<readonly HoldChange[]> {
  const { reason } = knownOptions(options, { reason: 'any' })
  assertReason(reason)
  const asked = (held: readonly HoldChange[]): HoldMark | undefined =>
    held.some((each) => each.reason === reason) ? undefined : { isHeld: true, reason }
  return inTrail(folder, async (root) => {
    const held = await changed(root, asked)
    // Whoever removes files or names looks for a hold before each step: what follows sees this one.
    await whileRemoving(root, async () => {})
    return held
  })
}

/**
 * Ends a legal hold. Returns the holds that are still in force. Throws as `holdAuditFolder` does, and
 * `CONFIGURATION` if there is none, if `hold` is not in force, and without `hold` if several are.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { holdAuditFolder, releaseAuditFolder } from '@finchat/secrets-audit/folder'
 *
 * const { key } = await initAuditFolder('released')
 * await holdAuditFolder('released', { reason: 'case 4711' })
 * await holdAuditFolder('released', { reason: 'audit of 2026' })
 * await releaseAuditFolder('released', { hold: 'case 4711', reason: 'case 4711 is closed' })
 * const { holdsInForce } = await verifyAuditTrail('released', { key })
 * console.log(holdsInForce.map(({ reason }) => reason)) // [ 'audit of 2026' ]
 */
export async function releaseAuditFolder(folder: string, options: ReleaseAuditOptions): Promise<readonly HoldChange[]> {
  const { reason, hold } = knownOptions(options, { reason: 'any', hold: 'string' })
  assertReason(reason)
  return inTrail(folder, (root) => changed(root, (held) => ({ isHeld: false, reason, ends: endedOf(root, held, hold) })))
}

/** Writes what `markOf` makes of the holds in force, if anything, and returns those in force then. */
async function changed(root: string, markOf: (held: readonly HoldChange[]) => HoldMark | undefined): Promise<readonly HoldChange[]> {
  const holds = new HoldWatch(root)
  return whileDeciding(root, async () => {
    const held = await holds.held()
    const hold = markOf(held)
    if (hold === undefined) return held
    await advanceEpoch(await currentFolder(root), { ended: [], mostLooks: 0, mark: () => ({ hold }) })
    return holds.held()
  })
}

/** An end without a hold would be evidence of something that did not happen. */
function endedOf(root: string, held: readonly HoldChange[], hold: string | undefined): string {
  const [only, ...others] = held
  const folder = `the folder ${shownPath(root)} of the audit trail`
  if (only === undefined) throw refused(`${folder} is under no legal hold`, 'look at the holds of a verification; nothing was recorded')
  if (hold === undefined && others.length > 0)
    throw refused(`${folder} is under ${held.length} legal holds, and \`hold\` names none`, `pass one of ${reasonsOf(held)} as \`hold\``)
  if (hold !== undefined && held.every(({ reason }) => reason !== hold))
    throw refused(`${folder} is under no legal hold of the reason that \`hold\` names`, `pass one of ${reasonsOf(held)} as \`hold\``)
  return hold ?? only.reason
}

function refused(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

async function inTrail<Result>(folder: string, work: (root: string) => Promise<Result>): Promise<Result> {
  assertFolder(folder)
  const root = resolve(folder)
  try {
    assertFirst(root)
    return await work(root)
  } catch (error) {
    throw folderError(error, root)
  }
}
