import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { folderError } from './folder-errors.ts'
import { syncFolder } from './key-file.ts'

/**
 * A folder that takes checkpoints, one file for each process, only ever appended to: on a mount that this host cannot rewrite, such as an object
 * store with a lock or an append-only file system.
 */
export function checkpointFolder(folder: string): AuditSink {
  const path = resolve(folder)
  let file: Promise<FileHandle> | undefined
  const write = async ({ checkpoint }: AuditRecord): Promise<void> => {
    if (checkpoint === undefined) return
    try {
      file ??= opened(path)
      const handle = await file
      await handle.appendFile(`${checkpoint}\n`)
      await handle.datasync()
    } catch (error) {
      await forget()
      throw folderError(error, path)
    }
  }
  /** The next checkpoint begins another file: behind half a line nothing could be read. */
  const forget = async (): Promise<void> => {
    const failed = file
    file = undefined
    await failed?.then((handle) => handle.close()).catch(() => {})
  }
  return { specificationVersion: 'v1', name: 'checkpoints', durable: true, write, close: async () => (await file)?.close() }
}

async function opened(path: string): Promise<FileHandle> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const file = await open(join(path, `checkpoints-${hostname()}-${process.pid}-${Date.now()}.jsonl`), 'a', 0o600)
  await syncFolder(path).catch(() => {}) // not every mount lets a writer open its folder
  return file
}
