import { endedSegment, lockOf } from '../format/end-of-segment.ts'
import { type KeyState, readKey } from '../format/folder-key.ts'
import { DamagedArchive } from '../disk/gzip-file.ts'
import type { EndedSegment } from '../format/index-line.ts'
import { FileLock } from './file-lock.ts'

/** A segment that this process ended, with its folder's id, since a folder may be replaced. */
export interface OwnSegment {
  readonly path: string
  readonly folder: string
  readonly segment: EndedSegment
}

/** Segment ends that the index does not have yet: the caller's, then those of dead processes. */
export class UnrecordedEnds {
  readonly #segments: EndedSegment[]
  /** Keep other processes from recording the same segments. */
  readonly #locks: FileLock[] = []

  /** The name of the folder in which the trail goes on. */
  readonly next: string | undefined

  /** The epoch that comes next. */
  readonly step: number

  private constructor(own: readonly EndedSegment[], { next, step }: Pick<KeyState, 'next' | 'step'>) {
    this.#segments = [...own]
    this.next = next
    this.step = step
  }

  /** Checks at most `mostLooks` segments of other processes. */
  static async find(folder: string, own: readonly OwnSegment[], mostLooks: number): Promise<UnrecordedEnds> {
    const { key, ...state } = await readKey(folder)
    key.wipe()
    const ends = new UnrecordedEnds(
      own.filter((one) => one.folder === state.folder).map(({ segment }) => segment),
      state,
    )
    try {
      for (const step of ends.#others(state).slice(0, mostLooks)) await ends.#addIfDead(folder, step)
      return ends
    } catch (error) {
      ends.release()
      throw error
    }
  }

  get segments(): readonly EndedSegment[] {
    return this.#segments
  }

  release(): void {
    for (const lock of this.#locks.splice(0)) lock.release()
  }

  /** In random order, so that processes check different ones. */
  #others({ live }: Pick<KeyState, 'live'>): readonly number[] {
    const others = live.filter((step) => !this.#segments.some((own) => own.step === step))
    return others
      .map((step) => ({ step, at: Math.random() }))
      .toSorted((one, other) => one.at - other.at)
      .map(({ step }) => step)
  }

  async #addIfDead(folder: string, step: number): Promise<void> {
    const lock = FileLock.tryTake(lockOf(folder, step))
    if (lock === undefined) return // its process lives
    this.#locks.push(lock)
    try {
      this.#segments.push(await endedSegment(folder, step))
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error // where it ends cannot be read
    }
  }
}
