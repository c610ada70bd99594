import { join } from 'node:path'
import { invalidArgument } from '@finchat/secrets-core/provider'
import { folderError } from '../disk/folder-errors.ts'
import { asIndexEntry, type IndexEntry } from '../format/index-line.ts'
import { eachSegmentFile } from '../format/segment-files.ts'
import { indexFile, isRegularFile, linesOf } from '../format/segment-reader.ts'
import { parsedStartKey } from '../keys/start-key.ts'
import { assertFolder } from '../record/errors.ts'

/**
 * Returns the key that is this folder's, of those that an auditor has of many folders, or `undefined`
 * if none is. It proves nothing: verification does. Throws `CONFIGURATION` for a text that is no key,
 * `AUDIT_FAILED` if the folder cannot be read, and `INVALID_ARGUMENT` if `keys` is not a list.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 * import { chooseAuditKey } from '@finchat/secrets-audit/folder'
 *
 * const keys = []
 * for (const folder of ['web-1', 'web-2']) keys.push((await initAuditFolder(folder)).key)
 * console.log((await chooseAuditKey('web-2', keys)) === keys[1]) // true
 */
export async function chooseAuditKey<Key extends string | Uint8Array>(folder: string, keys: readonly Key[]): Promise<Key | undefined> {
  assertFolder(folder)
  if (!Array.isArray(keys)) throw invalidArgument('`keys` is not a list', 'pass the keys that initAuditFolder returned')
  const ids = await idsIn(folder)
  return keys.find((key) => ids.has(folderOfKey(key)))
}

/** The id of the folder that the key is for. Throws `CONFIGURATION` for a text that is no key. */
export function folderOfKey(text: string | Uint8Array): string {
  const { key, folder } = parsedStartKey(text)
  key.wipe()
  return folder
}

/** By the first line of the index and by the segments: either may be damaged. */
async function idsIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    const ids = new Set(await idInIndex(join(folder, indexFile)))
    for await (const { header } of eachSegmentFile(folder)) if (header !== undefined) ids.add(header.folder)
    return ids
  } catch (error) {
    throw folderError(error, folder)
  }
}

async function idInIndex(path: string): Promise<string[]> {
  if (!(await isRegularFile(path).catch(() => false))) return []
  for await (const [first] of linesOf(path)) return first === undefined ? [] : idsOf(asIndexEntry(first))
  return []
}

/** A key of a folder before this one verifies it too. */
function idsOf(entry: IndexEntry | undefined): string[] {
  return entry === undefined ? [] : [entry.folder, ...(entry.follows ?? []).map(({ folder }) => folder)]
}
