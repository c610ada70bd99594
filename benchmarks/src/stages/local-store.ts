import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { pathAt, valueAt } from '../contenders/local-work.ts'
import type { Stage } from '../harness/scenario.ts'

interface Content {
  readonly name: string
  readonly secrets: number
  readonly versions: number
  readonly keepVersions: number | 'all'
}

/**
 * A folder on a disk, with a store of so many secrets for each size that is named; each contender
 * takes its own copy.
 */
export async function localStage(sizes: readonly number[], scale: number, key: string = generateKey()): Promise<Stage> {
  return stageOf(
    sizes.map((size) => ({ name: String(size), secrets: size * scale, versions: 1, keepVersions: 'all' as const })),
    scale,
    key,
  )
}

/** Stores of one secret with 10,000 versions, with 100 left of them, and of 40 with ten. */
export async function versionsStage(scale: number): Promise<Stage> {
  const many = { secrets: 1, versions: 10_000 * scale }
  const contents = [
    { ...many, name: 'many', keepVersions: 'all' },
    { ...many, name: 'kept', keepVersions: 100 },
    { name: 'few', secrets: 40, versions: 10, keepVersions: 'all' },
  ] as const
  return stageOf(contents, scale, generateKey())
}

async function stageOf(contents: readonly Content[], scale: number, key: string): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-bench-'))
  const end = async (): Promise<void> => rmSync(folder, { recursive: true })
  try {
    for (const content of contents) await makeStore(join(folder, `${content.name}.db`), key, content)
    return { setting: { folder, key, scale: String(scale) }, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Written in memory if the system has such a folder, then copied. Not measured. */
async function makeStore(file: string, key: string, { secrets, versions, keepVersions }: Content): Promise<void> {
  const fast = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'finchat-bench-'))
  try {
    const path = join(fast, 'store.db')
    const provider = localProvider({ path, key, keepVersions })
    const signal = new AbortController().signal
    for (let index = 0; index < secrets * versions; index += 1) {
      await provider.put(pathAt(index % secrets), { value: valueAt(index) }, { signal })
    }
    await provider.close({ signal }) // empties the log into the file
    copyFileSync(path, file)
  } finally {
    rmSync(fast, { recursive: true })
  }
}
