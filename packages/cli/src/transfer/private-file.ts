import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCode } from '@finchat/secrets-core/provider'
import { UsageError } from '../terminal/failure.ts'

/** Throws before anything is read, if the file would be refused in the end. */
export function assertMayWrite(file: string, isForced: boolean): void {
  if (existsSync(file) && !isForced) throw fileExists()
}

/**
 * Writes a file that only its owner may read: whole or not at all, also after a crash. A crash may
 * leave a file `.NAME.….tmp` beside it, which only its owner may read too.
 */
export async function writePrivateFile(file: string, text: string, isForced: boolean): Promise<void> {
  const aside = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`)
  try {
    await writeSynced(aside, text)
    if (isForced) await rename(aside, file)
    else await link(aside, file)
    await syncFolder(dirname(file))
  } catch (error) {
    throw systemCode(error) === 'EEXIST' ? fileExists() : notWritten(error)
  } finally {
    await rm(aside, { force: true })
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Not every system can sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

function fileExists(): UsageError {
  return new UsageError('the file of --output exists', 'name another one, or overwrite it by --force')
}

/** The system's own message quotes the path. */
function notWritten(error: unknown): UsageError {
  return new UsageError(
    `the file of --output cannot be written (${systemCode(error) ?? 'unknown'})`,
    'name a place where this user may write',
  )
}
