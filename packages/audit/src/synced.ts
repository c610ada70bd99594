import { open } from 'node:fs/promises'

/** What is in a file must survive a power cut, whoever wrote it: its process may have died before it had synced that itself. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } catch (error) {
    if (!isUnable(error)) throw error
  } finally {
    await file.close()
  }
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
