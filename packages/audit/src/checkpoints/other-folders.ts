import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type CheckpointSource, checkpointsIn } from './checkpoint-reader.ts'
import { CheckpointTable, type TableOptions } from './checkpoint-table.ts'
import { successorsOf } from '../format/successors.ts'
import { folderIdOf } from '../keys/key-chain.ts'
import type { StartKey } from '../keys/start-key.ts'

/** A trail that was set back lacks the lines behind its end. For all folders together; takes a second. */
const mostLinesBeyond = 100_000

/** A verified folder, and how many lines its index has. */
interface FolderOfLines {
  readonly start: StartKey
  readonly lines: number
}

/** What checkpoints tell of folders other than their table's. */
export type ToldFolders = Pick<CheckpointTable, 'otherFolders' | 'laterFolders'>

/** Folders of which checkpoints tell, and no verified folder. Other trails may send theirs to the same place. */
export class OtherFolders {
  readonly #told = new Set<string>()
  readonly #later = new Set<string>()
  readonly #known = new Set<string>()

  add({ otherFolders, laterFolders }: ToldFolders): void {
    for (const folder of otherFolders) this.#told.add(folder)
    for (const folder of laterFolders) this.#later.add(folder)
  }

  /** One that was verified, or that an index names. */
  know(folder: string): void {
    this.#known.add(folder)
  }

  isKnown(folder: string): boolean {
    return this.#known.has(folder)
  }

  /** Whether there is a checkpoint of it. */
  hasCheckpointOf(folder: string): boolean {
    return this.#told.has(folder)
  }

  /** How many are of this trail, as their checkpoints say, and unknown. */
  get laterUnknown(): number {
    return [...this.#later].filter((folder) => !this.#known.has(folder)).length
  }

  /** The epochs of a verified folder that one of them follows: only a holder of their keys can know its id. */
  *stepsLeft({ start: { key: first, step: start }, lines }: FolderOfLines, folders: number): Generator<number> {
    const others = new Set([...this.#told].filter((folder) => !this.#known.has(folder)))
    const [key, end] = [first.later(0), lines + mostLinesBeyond / folders]
    try {
      for (let step = start; others.size > 0 && step < end; step++, key.advance()) {
        const successor = key.derived('successor')
        const id = folderIdOf(successor)
        successor.wipe()
        if (!others.delete(id)) continue
        this.know(id)
        yield step
      }
    } finally {
      key.wipe()
    }
  }
}

/** Checkpoints of a folder in which a trail goes on. */
export interface CheckpointedFolder {
  readonly name: string
  readonly path: string
}

/** To be listed before an index is read: one that is made later is named by that index. */
export function checkpointedFolders(source: CheckpointSource | undefined): readonly CheckpointedFolder[] {
  if (typeof source !== 'string' || !existsSync(source) || !statSync(source).isDirectory()) return []
  return successorsOf(source).map((name) => ({ name, path: join(source, name) }))
}

export async function foldersNamedIn(path: string, options: TableOptions): Promise<ToldFolders> {
  const table = new CheckpointTable('', options)
  await checkpointsIn(path, table)
  return table
}
