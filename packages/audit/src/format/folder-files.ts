import { opendir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { segmentName } from './end-of-segment.ts'
import { isSuccessorName } from './index-marks.ts'
import { bufferSize, byName, isForeign, listedFile, mayBeSegment, type SegmentFile, segmentFile, stepOfName } from './segment-files.ts'
import type { SegmentHeader } from './segment-format.ts'
import { StepSet } from '../tables/step-set.ts'

/** A file that no segment is read from. */
export interface LeftOutFile extends SegmentFile {
  /** The segment that it claims to be. */
  readonly step: number | undefined
}

export interface SortedFiles {
  readonly pathOf: (step: number) => string | undefined
  readonly leftOut: readonly LeftOutFile[]
}

/**
 * What a folder holds. A file that has its segment's name and begins as that segment takes a bit;
 * the others take an object each.
 */
export class FolderFiles {
  /** Files that are neither the trail's nor may be segments, by name. */
  readonly foreign: readonly string[]
  readonly #folder: string
  readonly #usual: StepSet
  readonly #packed: StepSet
  readonly #others: readonly SegmentFile[]

  private constructor(folder: string, { foreign, usual, packed, others }: Listing) {
    this.#folder = folder
    this.foreign = foreign.toSorted()
    this.#usual = usual
    this.#packed = packed
    this.#others = others
  }

  /** `id` is that of the folder by its key. */
  static async list(folder: string, id: string): Promise<FolderFiles> {
    const listing: Listing = { foreign: [], usual: new StepSet(), packed: new StepSet(), others: [] }
    for await (const entry of await opendir(folder, { bufferSize })) {
      if ((entry.isDirectory() || entry.isSymbolicLink()) && isSuccessorName(entry.name)) continue
      if (isForeign(entry.name)) listing.foreign.push(entry.name)
      else if (mayBeSegment(entry.name)) add(await listedFile(folder, entry), id, listing)
    }
    return new FolderFiles(folder, listing)
  }

  /**
   * Assigns a file to each opened segment: by name and header, else by name with a damaged header.
   * Else by header, since segments may be moved. Else by name, since log rotation may leave an empty
   * file. The others are copies or foreign. A compressed file counts if there is no other.
   */
  async sorted(isOurs: (header: SegmentHeader) => boolean, isOpened: (step: number) => boolean): Promise<SortedFiles> {
    const moved = new Map<number, string>()
    const hasUsual = (step: number): boolean => this.#usual.has(step) || this.#packed.has(step)
    let left = [...this.#others, ...(await this.#unused(isOpened))].toSorted(byName)
    const byHeader = ({ header }: SegmentFile): number | undefined => (header !== undefined && isOurs(header) ? header.step : undefined)
    const named = ({ path, isFile }: SegmentFile): number | undefined => (isFile ? stepOfName(path) : undefined)
    const byBoth = (file: SegmentFile): number | undefined => (byHeader(file) === named(file) ? named(file) : undefined)
    const damaged = (file: SegmentFile): number | undefined => (byHeader(file) === undefined && !file.isEmpty ? named(file) : undefined)
    for (const stepOf of [byBoth, damaged, byHeader, named]) {
      left = left.filter((file) => {
        const step = stepOf(file)
        if (step === undefined || moved.has(step) || !isOpened(step) || hasUsual(step)) return true
        moved.set(step, file.path)
        return false
      })
    }
    const pathOf = (step: number): string | undefined => moved.get(step) ?? (isOpened(step) ? this.#usualPath(step) : undefined)
    return { pathOf, leftOut: left.map((file) => ({ ...file, step: byHeader(file) ?? stepOfName(file.path) })) }
  }

  /** Files that have the name of a segment which nothing opened, or which stands there uncompressed too. */
  async #unused(isOpened: (step: number) => boolean): Promise<readonly SegmentFile[]> {
    const files: SegmentFile[] = []
    for (const step of this.#usual) if (!isOpened(step)) files.push(await segmentFile(this.#path(step)))
    for (const step of this.#packed) if (!isOpened(step) || this.#usual.has(step)) files.push(await segmentFile(`${this.#path(step)}.gz`))
    return files
  }

  #usualPath(step: number): string | undefined {
    if (this.#usual.has(step)) return this.#path(step)
    return this.#packed.has(step) ? `${this.#path(step)}.gz` : undefined
  }

  #path(step: number): string {
    return join(this.#folder, segmentName(step))
  }
}

interface Listing {
  readonly foreign: string[]
  readonly usual: StepSet
  readonly packed: StepSet
  readonly others: SegmentFile[]
}

function add(file: SegmentFile, id: string, { usual, packed, others }: Listing): void {
  const { header, path } = file
  const [name, usualName] = [basename(path), header?.folder === id ? segmentName(header.step) : '']
  if (name === usualName && header !== undefined) usual.add(header.step)
  else if (name === `${usualName}.gz` && header !== undefined) packed.add(header.step)
  else others.push(file)
}
