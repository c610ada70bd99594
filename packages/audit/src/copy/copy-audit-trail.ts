import { join, resolve } from 'node:path'
import { knownOptions, loadOnUse, type MembersOf } from '@finchat/secrets-core/provider'
import { assertFolder } from '../record/errors.ts'

/** What `copyAuditTrail` takes beside the folders. */
export interface CopyAuditOptions {
  /** Where the checkpoints are: a folder, or a file. Default: none is copied. */
  readonly checkpoints?: string | undefined
  /** Is called after each file with the number of files done, and of all that are known. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined
}

/** What `copyAuditTrail` made. */
export interface AuditCopy {
  /** The copy of the trail, and that of its checkpoints. */
  readonly folder: string
  readonly checkpoints: string | undefined
  /** Segments in the copy, and how many of them an earlier call had not copied as they are now. */
  readonly segments: number
  readonly copied: number
}

const copying = { what: 'the copying of audit trails', name: '@finchat/secrets-audit' }
const members: MembersOf<CopyAuditOptions> = { checkpoints: 'string', onProgress: 'any' }

/**
 * Copies a trail to `target/audit`, and its checkpoints to `target/checkpoints`, while processes go
 * on writing, with the folders in which it goes on. The copy can be verified: checkpoints come first,
 * then the index, then the segments that this index knows. It lacks the folder's key, which verification does not need, and has the one
 * that was sealed for the auditor. An interrupted copy has no index; a second call copies what is
 * missing or has changed. A copy into the same target waits until another ends, or a verification that
 * it had disturbed, for ten minutes: `copy.lock` is locked there. Throws `CONFIGURATION` for a target that holds another trail or lies in the
 * folder, and `AUDIT_FAILED` if a file cannot be read, written or locked.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 * import { copyAuditTrail, verifiedTrail } from '@finchat/secrets-audit/report'
 *
 * const { key } = await initAuditFolder('live')
 * const copy = await copyAuditTrail('live', 'copy')
 * const { verification } = await verifiedTrail(copy.folder, { key }, async () => undefined)
 * console.log(copy.segments, verification.ok) // 0 true
 */
export async function copyAuditTrail(folder: string, target: string, options: CopyAuditOptions = {}): Promise<AuditCopy> {
  const { checkpoints: from, onProgress } = knownOptions(options, members)
  assertFolder(folder)
  assertFolder(target)
  const [audit, checkpoints] = [join(resolve(target), 'audit'), join(resolve(target), 'checkpoints')]
  const { assertApart, copyCheckpoints, copyCheckpointsOf, inLockedTarget, TrailCopy } = await loadOnUse(
    copying,
    () => import('./trail-copy.ts'),
    'TrailCopy',
  )
  assertApart(resolve(folder), resolve(target))
  const { segments, copied } = await inLockedTarget(resolve(folder), resolve(target), async () => {
    const copy = new TrailCopy(resolve(folder), audit, onProgress)
    await copy.begin()
    if (from !== undefined) await copyCheckpoints(resolve(from), checkpoints)
    return copy.copyFolders(async (name) => {
      if (from !== undefined) await copyCheckpointsOf(name, resolve(from), checkpoints)
    })
  })
  return { folder: audit, checkpoints: from === undefined ? undefined : checkpoints, segments, copied }
}
