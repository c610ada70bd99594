import { endedSegment, lockOf } from '../format/end-of-segment.ts'
import { FileLock } from './file-lock.ts'
import type { EndedSegment } from '../format/index-line.ts'
import type { KeyState } from '../format/folder-key.ts'
import { DamagedArchive } from '../format/gzip-file.ts'

/** In an order of chance: of hundreds, each process looks at others. */
export function othersOf({ live }: Pick<KeyState, 'live'>, own: readonly EndedSegment[]): readonly number[] {
  const others = live.filter((step) => !own.some((ended) => ended.step === step)).map((step) => ({ step, at: Math.random() }))
  return others.toSorted((one, other) => one.at - other.at).map(({ step }) => step)
}

/** What a process that died has left, and its lock, which keeps others from recording it as well. */
export interface DeadSegment {
  readonly segment: EndedSegment
  readonly lock: FileLock
}

/** Who lives has its segment's lock. */
export async function deadSegments(folder: string, steps: readonly number[]): Promise<readonly DeadSegment[]> {
  const found: DeadSegment[] = []
  for (const step of steps) {
    const lock = FileLock.tryTake(lockOf(folder, step))
    if (lock === undefined) continue
    try {
      found.push({ segment: await endedSegment(folder, step), lock })
    } catch (error) {
      lock.release()
      if (error instanceof DamagedArchive) continue // what cannot be read to its end must not be said to be its end
      for (const { lock: taken } of found) taken.release()
      throw error
    }
  }
  return found
}
