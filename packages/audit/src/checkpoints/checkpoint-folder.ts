import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import { folderError, shownPath } from '../disk/folder-errors.ts'
import { syncData, syncFolder } from '../disk/fsync.ts'

/**
 * Takes checkpoints into a folder, one append-only file for each process. It belongs on a mount
 * that this host cannot rewrite, such as an object store with a lock.
 */
export function checkpointFolder(folder: string): AuditSink {
  const path = resolve(folder)
  let file: Promise<CheckpointFile> | undefined
  const write = async ({ checkpoint }: AuditRecord): Promise<void> => {
    if (checkpoint === undefined) return
    try {
      file ??= opened(path)
      const { handle, name } = await file
      await handle.appendFile(`${checkpoint}\n`)
      await syncData(handle)
      if (await isRemoved(handle, name)) throw removed(path)
    } catch (error) {
      await forget()
      throw folderError(error, path, 'the checkpoints')
    }
  }
  /** The next checkpoint begins another file: behind half a line nothing can be read. */
  const forget = async (): Promise<void> => {
    const failed = file
    file = undefined
    await failed?.then(({ handle }) => handle.close()).catch(() => {})
  }
  return { specificationVersion: 'v1', name: 'checkpoints', durable: true, write, close: async () => (await file)?.handle.close() }
}

interface CheckpointFile {
  readonly handle: FileHandle
  readonly name: string
}

async function opened(path: string): Promise<CheckpointFile> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const name = join(path, `checkpoints-${hostname()}-${process.pid}-${Date.now()}.jsonl`)
  const handle = await open(name, 'a', 0o600)
  await syncFolder(path).catch(() => {}) // not every mount lets a writer open its folder
  return { handle, name }
}

/** Writes to a removed file succeed. Its name is checked too: some mounts count no links. */
async function isRemoved(handle: FileHandle, name: string): Promise<boolean> {
  if ((await handle.stat()).nlink > 0) return false
  return (await stat(name).catch(() => undefined)) === undefined
}

function removed(path: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `the checkpoints of this process were removed: ${shownPath(path)}`, {
    remedy: 'find out by whom, and let this host append to them alone; later ones go into a new file',
  })
}
