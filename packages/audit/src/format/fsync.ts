import { open } from 'node:fs/promises'

/** What is in a file must survive a power cut, whoever wrote it: its process may have died before it had synced that itself. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (isReadOnly(error)) return open(path, 'r') // which is enough where the system is POSIX's
    throw error
  })
  try {
    await file.sync()
  } catch (error) {
    if (!isUnable(error)) throw error
  } finally {
    await file.close()
  }
}

/** Somebody may have taken the right to write to a segment that has ended. */
function isReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
}

/** A pipe has no disk, and some file systems have no such call. */
function isUnable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EINVAL'
}

/** A new name must survive a power cut too. */
export async function syncFolder(folder: string): Promise<void> {
  const descriptor = await open(folder, 'r')
  try {
    await descriptor.sync()
  } catch {
    // Not every file system can.
  } finally {
    await descriptor.close()
  }
}
