import { basename, dirname, resolve } from 'node:path'
import { pause, SecretsError } from '@finchat/secrets-core/provider'
import { folderError } from '../disk/folder-errors.ts'
import { assertFolder } from '../record/errors.ts'
import { currentFolder, movingOn } from './current-folder.ts'
import { advanceEpoch, FolderLeft, type Marks } from './next-epoch.ts'
import { firstEntry, rootOf } from '../format/first-entry.ts'
import { mostPredecessors } from '../format/index-marks.ts'
import { successorId, successorNameOf } from './successor-folder.ts'

/** Segments are opened within milliseconds, unless other processes have the lock. */
const movingPatienceMs = 5_000

/** Where a trail goes on. */
export interface RotatedAuditFolder {
  /** The path of the folder that was left. */
  readonly from: string
  /** The path of the folder in which segments are opened from now on: a folder within the first. */
  readonly to: string
}

/**
 * Begins the next folder of a trail: for each year or month, or whenever it is called. It lies within
 * the first folder, and is named by the day. The index of the one names the other by ids that
 * follow from the keys, and its last line by a hash. Processes that run move on with their next
 * segment: those of this process with the next record, others within ten minutes. The auditor's key
 * verifies the new folder too. Throws `CONFIGURATION` for an invalid folder, `AUDIT_FAILED` if it
 * cannot be written, and `INTEGRITY` if its index is not as it was left.
 *
 * @example
 * import { basename } from 'node:path'
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { rotateAuditFolder } from '@finchat/secrets-audit/folder'
 *
 * const { key } = await initAuditFolder('of-years')
 * const { to } = await rotateAuditFolder('of-years')
 * const { ok, folders } = await verifyAuditTrail('of-years', { key })
 * console.log(ok, folders.length, basename(to) === new Date().toISOString().slice(0, 10)) // true 2 true
 */
export async function rotateAuditFolder(folder: string): Promise<RotatedAuditFolder> {
  assertFolder(folder)
  const root = resolve(folder)
  try {
    assertFirst(root)
    const from = await currentFolder(root)
    const to = await leaveFolder(from)
    await pause(movingPatienceMs, undefined, movingOn(root))
    return { from, to }
  } catch (error) {
    throw folderError(error, root)
  }
}

/** Throws `CONFIGURATION` for a folder that follows another, which the others cannot be found from. */
export function assertFirst(root: string): void {
  if (firstEntry(root).follows === undefined) return
  throw new SecretsError('CONFIGURATION', 'the folder is not the first of its trail', { remedy: `name ${JSON.stringify(dirname(root))}` })
}

/** Also where another process left it meanwhile. Returns the path of the next folder. */
export async function leaveFolder(folder: string): Promise<string> {
  const root = rootOf(folder, assertRoom(folder))
  const mark = ({ time }: { readonly time: number }, state: Parameters<NonNullable<Mark>>[1]): Marks => {
    if (state.next !== undefined) throw new FolderLeft()
    return { successor: { folder: successorId(state.key), name: successorNameOf(root, time) } }
  }
  try {
    await advanceEpoch(folder, { ended: [], mark })
  } catch (error) {
    if (!(error instanceof FolderLeft)) throw error
  }
  return currentFolder(root)
}

type Mark = Parameters<typeof advanceEpoch>[1]['mark']

function assertRoom(folder: string): ReturnType<typeof firstEntry> {
  const entry = firstEntry(folder)
  if ((entry.follows?.length ?? 0) < mostPredecessors) return entry
  throw new SecretsError('CONFIGURATION', `a trail has at most ${mostPredecessors} folders, and ${basename(folder)} is the last`, {
    remedy: 'name a new folder, made ready by initAuditFolder; keep this one for the auditor',
  })
}
