import { closeSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileFailure } from '@finchat/secrets-core/provider'
import { asIndexEntry, brokenIndex, type IndexEntry, maxEntryBytes } from './index-line.ts'
import { openRegularAtOnce } from '../disk/open-regular.ts'
import { indexFile, isRegularFileNow } from './segment-reader.ts'

/** The first line of the folder's index, unverified. `undefined` if there is none, or it is no entry. */
export function readFirstEntry(folder: string): IndexEntry | undefined {
  const path = join(folder, indexFile)
  try {
    if (!isRegularFileNow(path)) return undefined
    const file = openRegularAtOnce(path)
    try {
      const bytes = Buffer.alloc(maxEntryBytes)
      const read = readSync(file, bytes, 0, bytes.length, 0)
      const entry = asIndexEntry(bytes.subarray(0, bytes.subarray(0, read).indexOf('\n') + 1))
      return entry?.step === 0 ? entry : undefined
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (fileFailure(error) === undefined) throw error
    return undefined
  }
}

/** The first line of the folder's index. Throws `INTEGRITY` for anything else, and what the file system says. */
export function firstEntry(folder: string): IndexEntry {
  const entry = readFirstEntry(folder)
  if (entry !== undefined) return entry
  closeSync(openRegularAtOnce(join(folder, indexFile))) // throws if it is missing, or no file
  throw brokenIndex(folder)
}

/** The id of the trail: that of its first folder. `undefined` if the folder's first line cannot be read. */
export function trailIdOf(folder: string): string | undefined {
  const entry = readFirstEntry(folder)
  return entry?.follows?.[0]?.folder ?? entry?.folder
}

/** The first folder of the trail, which holds the others. */
export function rootOf(folder: string, { follows }: Pick<IndexEntry, 'follows'>): string {
  return follows === undefined ? folder : dirname(folder)
}
