import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `work` in a folder of its own, on the disk, which is removed afterwards. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  return inFolder(mkdtempSync(join(tmpdir(), 'secrets-resilience-')), work)
}

/**
 * Like `inScratch`, in memory if the machine has such a folder: for thousands of damaged copies.
 */
export async function inMemory<T>(work: (folder: string) => Promise<T>): Promise<T> {
  return inFolder(mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'secrets-resilience-')), work)
}

async function inFolder<T>(folder: string, work: (folder: string) => Promise<T>): Promise<T> {
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
