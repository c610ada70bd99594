import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UsageError } from '../terminal/failure.ts'
import { shellWord } from '../terminal/shell-word.ts'

/** A trail, and where its checkpoints are. */
export interface TrailFolder {
  readonly path: string
  readonly checkpoints: string | undefined
}

/** Names the folder in the commands that an error advises. */
export function inFolder(folder: string): (text: string) => string {
  return (text) => text.replaceAll('FOLDER', shellWord(folder))
}

/** The index of a copy that is not complete. */
export const heldIndex = 'index.part'

/** A wrong path must not look like tampering. */
export async function assertTrail(path: string): Promise<void> {
  const names = await namesIn(path)
  if (isTrail(names)) return
  if (names.includes(heldIndex)) throw new UsageError('this copy is not complete', 'finish it by `finchat-secrets audit copy`')
  throw new UsageError('there is no audit trail in this folder', 'name the folder with index.jsonl and the segments')
}

/** The folder of a trail, or what `audit copy` made: the trail and its checkpoints. */
export async function trailFolder(folder: string, checkpoints: string | undefined, cwd: string): Promise<TrailFolder> {
  const path = resolve(cwd, folder)
  const given = checkpoints === undefined ? undefined : resolve(cwd, checkpoints)
  const names = await namesIn(path)
  if (isTrail(names) || !names.includes('audit')) {
    await assertTrail(path)
    return { path, checkpoints: given }
  }
  await assertTrail(join(path, 'audit'))
  return { path: join(path, 'audit'), checkpoints: given ?? (names.includes('checkpoints') ? join(path, 'checkpoints') : undefined) }
}

async function namesIn(path: string): Promise<readonly string[]> {
  return readdir(path).catch((): string[] => [])
}

function isTrail(names: readonly string[]): boolean {
  return names.some((name) => name.includes('.jsonl')) && !names.includes(heldIndex)
}
