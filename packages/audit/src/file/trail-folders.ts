import { basename, join } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { currentFolder } from './current-folder.ts'
import { FolderFull, FolderLeft } from './next-epoch.ts'
import { firstEntry, readFirstEntry } from '../format/first-entry.ts'
import { mostPredecessors } from '../format/index-marks.ts'

/** How long a folder of a trail is written to. */
export type FolderPeriod = 'year' | 'month'

/** Another process may leave a folder whenever this one has found it. */
const mostTries = 5
/** Of an ISO 8601 time. */
const charactersOf = { year: '2026'.length, month: '2026-12'.length }

/** Where a folder is in its trail. */
export interface PlaceInTrail {
  /** Its name within the first folder; empty for that. */
  readonly name: string
  /** The id of the first folder; absent for that. */
  readonly trail: string | undefined
  /** With so many lines in its index it takes no further segment. */
  readonly mostEpochs: number
}

/**
 * A folder takes so many lines of its index, two for each run of a job. A verification holds what the
 * index of one folder says in memory.
 */
const mostEpochs = 20_000

/** The folders of one trail, as a process that writes to it sees them. */
export class TrailFolders {
  readonly #root: string
  readonly #period: FolderPeriod | undefined
  readonly #mostEpochs: number
  /** The current one, as far as is known. */
  #known: string

  constructor(root: string, period: FolderPeriod | undefined, epochs: number = mostEpochs) {
    this.#root = root
    this.#period = period
    this.#mostEpochs = epochs
    this.#known = root
  }

  async current(): Promise<string> {
    this.#known = await currentFolder(this.#root)
    return this.#known
  }

  /** The current one, and the one before it, where processes may still have segments. */
  async inUse(): Promise<readonly string[]> {
    const current = await this.current()
    const former = firstEntry(current).follows?.at(-1)
    return former === undefined ? [current] : [join(this.#root, former.name), current]
  }

  /** Opens a segment in the current folder, or in a new one if that is full, or of a past period. */
  async inCurrent(open: (folder: string, within: PlaceInTrail) => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      if (this.#isPast(this.#known)) this.#known = await leave(this.#known)
      try {
        return await open(this.#known, this.#placeOf(this.#known))
      } catch (error) {
        if (!(error instanceof FolderLeft) || tries === mostTries) throw error
        if (error instanceof FolderFull) this.#known = await leave(this.#known)
        else await this.current()
      }
    }
  }

  #placeOf(folder: string): PlaceInTrail {
    const { follows = [] } = readFirstEntry(folder) ?? {}
    const most = follows.length < mostPredecessors ? this.#mostEpochs : Infinity
    return { name: folder === this.#root ? '' : basename(folder), trail: follows[0]?.folder, mostEpochs: most }
  }

  /** A clock that was set back leaves no folder, and a trail of all its folders stays in the last: a service must go on. */
  #isPast(folder: string): boolean {
    if (this.#period === undefined) return false
    const { time, follows = [] } = firstEntry(folder)
    if (follows.length >= mostPredecessors) return false
    const length = charactersOf[this.#period]
    const [began, now] = [new Date(time).toISOString().slice(0, length), new Date().toISOString().slice(0, length)]
    return began < now
  }
}

const rotation = { what: 'the rotation of audit folders', name: '@finchat/secrets-audit' }

/** Once in a year or month, or when the folder is full. */
async function leave(folder: string): Promise<string> {
  const { leaveFolder } = await loadOnUse(rotation, () => import('./rotate-audit-folder.ts'), 'leaveFolder')
  return leaveFolder(folder)
}
