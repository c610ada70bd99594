import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `work` in a folder of its own, on the disk, which is removed afterwards. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  return inFolder(tmpdir(), work)
}

/** As `inScratch`, in memory where the machine has that: for damaged copies by the thousand, of which nothing needs to last. */
export async function inMemory<T>(work: (folder: string) => Promise<T>): Promise<T> {
  return inFolder(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), work)
}

async function inFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, 'secrets-torture-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
