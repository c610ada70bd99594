import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { pathAt, valueAt } from '../contenders/local-work.ts'
import type { Stage } from '../harness/scenario.ts'

/** A folder on a disk, with a store of so many secrets for each size that is named; each contender takes its own copy. */
export async function localStage(sizes: readonly number[], scale: number, key: string = generateKey()): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-bench-'))
  const end = async (): Promise<void> => rmSync(folder, { recursive: true })
  try {
    for (const size of sizes) await makeStore(join(folder, `${size}.db`), key, size * scale)
    return { setting: { folder, key, scale: String(scale) }, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Written in memory where the system has a disk there, and then copied: nobody measures this. */
async function makeStore(file: string, key: string, size: number): Promise<void> {
  const fast = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'finchat-bench-'))
  try {
    const path = join(fast, 'store.db')
    const provider = localProvider({ path, key })
    const signal = new AbortController().signal
    for (let index = 0; index < size; index += 1) await provider.put(pathAt(index), { value: valueAt(index) }, { signal })
    await provider.close({ signal }) // empties the log into the file
    copyFileSync(path, file)
  } finally {
    rmSync(fast, { recursive: true })
  }
}
