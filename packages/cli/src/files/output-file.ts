import { chmodSync, chownSync, existsSync, readFileSync, renameSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileFailure } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/known-error.ts'
import { fileError, fileProblem } from './file-error.ts'
import { removeParts, withPart } from './part-file.ts'

const ownerOnly = 0o600
/** As the umask has it: for files without secrets. */
export const readableByAll = 0o666

export interface OutputOptions {
  /** Goes over a file that is there. */
  readonly replace?: boolean
  /** Default: for the user alone. */
  readonly mode?: number
}

/** A new file for the user alone, which is still empty. */
export interface ReservedFile {
  readonly write: (data: string | Uint8Array) => Promise<void>
  readonly remove: () => Promise<void>
}

/** Throws if there is a file of this name, or no folder for it. */
export function assertNew(path: string): void {
  if (existsSync(path)) throw fileProblem(path, 'exists')
  if (!existsSync(dirname(path))) throw fileProblem(path, 'missing')
}

/** Throws if there is a file of this name, unless it is a regular one that may be replaced. */
export function assertFree(path: string, mayReplace: boolean): void {
  removeParts(path)
  if (mayReplace) assertReplaceable(path)
  else if (existsSync(path)) throw new UsageError(`${basename(path)} is there already`, 'name another file, or replace it by --force')
}

/** A rename would put the file in the place of a device or a pipe, such as /dev/null. */
function assertReplaceable(path: string): void {
  if (statOf(path)?.isFile() === false) throw fileProblem(path, 'not-a-file')
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined // writing says why
  }
}

/** Writes a whole file to the disk. A kill or a power loss leaves no file, or the former one. */
export async function writeOutput(path: string, data: string | Uint8Array, options: OutputOptions = {}): Promise<void> {
  const { replace = false, mode = ownerOnly } = options
  if (replace) assertReplaceable(path)
  await writePart(path, mode, data, async (part) => (replace ? rename(part, path) : nameNew(part, path)))
}

/**
 * Puts a text in the place of another one, and keeps mode and owner. Returns false if the file has not the
 * former text any more: its change would be lost.
 */
export async function exchangeText(path: string, former: string, next: string): Promise<boolean> {
  let isDone = false
  await writePart(path, ownerOnly, next, async (part) => {
    likeThat(statSync(path), part)
    // Without a wait in between, since another process may be doing the same.
    isDone = readFileSync(path, 'utf8') === former
    if (isDone) renameSync(part, path)
  })
  return isDone
}

/** Only root may give a file to another user. */
function likeThat({ mode, uid, gid }: Stats, part: string): void {
  const { uid: own, gid: ownGroup } = statSync(part)
  try {
    if (uid !== own || gid !== ownGroup) chownSync(part, uid, gid)
  } catch {
    // It is as readable as its mode says.
  }
  chmodSync(part, mode & 0o777)
}

/** Writes a part, which `name` gives its name. */
async function writePart(path: string, mode: number, data: string | Uint8Array, name: (part: string) => Promise<void>): Promise<void> {
  removeParts(path)
  try {
    await withPart(path, async (part) => {
      await fill(await open(part, 'wx', mode), data)
      await name(part)
      await syncFolder(dirname(path))
    })
  } catch (error) {
    throw fileError(path, error)
  }
}

/** A link never replaces a file. Some file systems have no links. */
async function nameNew(part: string, path: string): Promise<void> {
  try {
    await link(part, path)
  } catch (error) {
    if (fileFailure(error) === 'exists' || existsSync(path)) throw error
    await rename(part, path)
  }
}

/** Creates the file before there is anything to write. */
export async function reserveOutput(path: string): Promise<ReservedFile> {
  const file = await open(path, 'wx', ownerOnly).catch((error: unknown) => {
    throw fileError(path, error)
  })
  return {
    write: async (data) => {
      await fill(file, data).catch((error: unknown) => {
        throw fileError(path, error)
      })
      await syncFolder(dirname(path))
    },
    remove: async () => {
      await file.close().catch(() => undefined) // it may be closed
      await rm(path, { force: true })
    },
  }
}

async function fill(file: FileHandle, data: string | Uint8Array): Promise<void> {
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Windows opens no folders, and some file systems sync none: the file itself is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r').catch(() => undefined)
  await opened?.sync().catch(() => undefined)
  await opened?.close()
}
