import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type FileFailure, fileFailure } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/failure.ts'

interface NewFile {
  readonly path: string
  readonly text: string
  /** Default: as the umask has it. */
  readonly mode?: number
  /** Replace a file that is there. */
  readonly replace?: boolean
}

/** Writes a file to the disk, so that after a kill or a power loss it is there whole, or what was there before. */
export function writeNewFile({ path, text, mode = 0o666, replace = false }: NewFile): void {
  const written = `${path}.new`
  attempt(path, () => rmSync(written, { force: true })) // what a run that was killed left
  try {
    attempt(path, () => writeWhole({ path: written, text, mode }))
    attempt(path, () => (replace ? renameSync(written, path) : placeNew(written, path)))
  } finally {
    rmSync(written, { force: true })
  }
  syncFolder(dirname(path))
}

/** A link never replaces a file. Some file systems have no links. */
function placeNew(written: string, path: string): void {
  try {
    linkSync(written, path)
  } catch (error) {
    if (fileFailure(error) === 'exists' || existsSync(path)) throw error
    renameSync(written, path)
  }
}

function writeWhole({ path, text, mode }: NewFile): void {
  const file = openSync(path, 'wx', mode)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Windows opens no folders. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r')
    fsyncSync(handle)
    closeSync(handle)
  } catch {
    // the file itself is on the disk
  }
}

const reasons: Readonly<Partial<Record<FileFailure, readonly [problem: string, remedy: string]>>> = {
  exists: ['is there already, and is not overwritten', 'name another file, or move that one away'],
  missing: ['cannot be made: its folder does not exist', 'make the folder, or name another'],
  denied: ['cannot be written: access is denied', 'name a file in a folder that you may write to'],
  'not-a-file': ['is no file', 'move it away, or name another'],
  'read-only': ['cannot be written: its disk is read-only', 'name a file on another disk'],
  'disk-full': ['cannot be written: the disk is full', 'make room on the disk, and run this again'],
}

/** Work on a file, whose failures are said without the system's text. */
export function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const [problem, remedy] = reasons[fileFailure(error) ?? 'input-output'] ?? ['cannot be written', 'name another file']
    throw new UsageError(`${basename(path)} ${problem}`, remedy)
  }
}
