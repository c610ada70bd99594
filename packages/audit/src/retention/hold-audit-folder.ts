import { resolve } from 'node:path'
import { knownOptions, SecretsError } from '@finchat/secrets-core/provider'
import { folderError, shownPath } from '../disk/folder-errors.ts'
import { assertFolder } from '../record/errors.ts'
import { currentFolder } from '../file/current-folder.ts'
import { advanceEpoch } from '../file/next-epoch.ts'
import { assertFirst } from '../file/rotate-audit-folder.ts'
import { assertReason } from './prune-audit-folder.ts'
import { isUnderHold } from './pruned-folders.ts'

/** What `holdAuditFolder` and `releaseAuditFolder` take. */
export interface HoldAuditOptions {
  /** For the auditor: `case 4711`. Not a secret; at most 1,000 characters. */
  readonly reason: string
}

/**
 * Begins a legal hold: `pruneAuditFolder` refuses until `releaseAuditFolder`. The index keeps both,
 * and a verification reports them. Checkpoints of processes that start later prove that it was not
 * set back. Throws `CONFIGURATION` for invalid options, `AUDIT_FAILED` if the folder cannot be
 * written, and `INTEGRITY` if its index is not as it was left.
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
export async function holdAuditFolder(folder: string, options: HoldAuditOptions): Promise<void> {
  await markHold(folder, options, true)
}

/**
 * Ends a legal hold. Throws as `holdAuditFolder` does, and `CONFIGURATION` if there is none.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { holdAuditFolder, releaseAuditFolder } from '@finchat/secrets-audit/folder'
 *
 * const { key } = await initAuditFolder('released')
 * await holdAuditFolder('released', { reason: 'case 4711' })
 * await releaseAuditFolder('released', { reason: 'case 4711 is closed' })
 * const { holds } = await verifyAuditTrail('released', { key })
 * console.log(holds.map(({ isHeld }) => isHeld)) // [ true, false ]
 */
export async function releaseAuditFolder(folder: string, options: HoldAuditOptions): Promise<void> {
  await markHold(folder, options, false)
}

/** An end without a hold would be evidence of something that did not happen. */
async function assertHeld(path: string): Promise<void> {
  if (await isUnderHold(path)) return
  throw new SecretsError('CONFIGURATION', `the folder ${shownPath(path)} of the audit trail is under no legal hold`, {
    remedy: 'look at the holds of a verification; nothing was recorded',
  })
}

async function markHold(folder: string, options: HoldAuditOptions, isHeld: boolean): Promise<void> {
  const { reason } = knownOptions(options, { reason: 'any' })
  assertFolder(folder)
  assertReason(reason)
  const path = resolve(folder)
  try {
    assertFirst(path)
    if (!isHeld) await assertHeld(path)
    await advanceEpoch(await currentFolder(path), { ended: [], mostLooks: 0, mark: () => ({ hold: { isHeld, reason } }) })
  } catch (error) {
    throw folderError(error, path)
  }
}
