import { fdatasync, fsync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { fileFailure, systemCode } from '@finchat/secrets-core/provider'

/** Under yarn's Plug'n'Play: its file handles stand before real descriptors, and cannot sync. */
const hasForeignHandles = (): boolean => process.versions['pnp'] !== undefined

/** `fdatasync` of an open file. */
export function syncData(file: FileHandle): Promise<void> {
  return hasForeignHandles() ? promisify(fdatasync)(file.fd) : file.datasync()
}

/** `fsync` of an open file. */
export function syncHandle(file: FileHandle): Promise<void> {
  return hasForeignHandles() ? promisify(fsync)(file.fd) : file.sync()
}

/** Syncs a file whose writer may have died before it did. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (isReadOnly(error)) return open(path, 'r') // which is enough where the system is POSIX's
    throw error
  })
  try {
    await syncHandle(file)
  } catch (error) {
    if (!isUnable(error)) throw error
  } finally {
    await file.close()
  }
}

/** An ended segment may have been made read-only. */
function isReadOnly(error: unknown): boolean {
  return fileFailure(error) === 'denied'
}

/** Pipes and some file systems cannot sync. */
function isUnable(error: unknown): boolean {
  return systemCode(error) === 'EINVAL'
}

/** Syncs new names in the folder. */
export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r')
  try {
    await syncNames(opened)
  } finally {
    await opened.close()
  }
}

/** As `syncFolder`, for a folder that is open. Some file systems cannot. */
export async function syncNames(folder: FileHandle): Promise<void> {
  await syncHandle(folder).catch(() => {})
}
