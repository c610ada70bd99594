import type { Tally } from '../harness/fault-injection.ts'
import type { Random } from '../harness/random.ts'
import { Disk, type Folder, folderAt } from './disk.ts'
import { type Call, recordedCalls } from './recording.ts'
import { Replay } from './replay.ts'

export interface Recorded {
  /** Where the recording is, of a process that has ended. */
  readonly recording: string
  readonly folder: string
  /** What was in the folder, and on the disk, before. */
  readonly start?: Folder
}

/** One state that a power cut may leave of the folder. */
export interface Image {
  readonly files: ReadonlyMap<string, Buffer>
  /** What the process had written to its standard output by then. */
  readonly output: string
  /** Seconds: when the power was cut, as calls have it. */
  readonly at: number
  readonly when: string
}

/**
 * Replays a process's calls on a folder, and cuts the power at each sync. `attempt` gets the states
 * that the disk may hold before the sync has ended, and the state that it holds after it.
 */
export async function cutAtSyncs(
  { recording, folder, start }: Recorded,
  random: Random,
  tally: Tally,
  attempt: (image: Image) => Promise<void>,
): Promise<void> {
  const [replay, disk] = [new Replay(folder, start), new Disk()]
  if (start) disk.syncAll(start)
  const underWay = new Map<Call, Folder>()
  for (const call of recordedCalls(recording)) {
    const synced = replay.synced(call)
    if (synced !== undefined && call.begun === undefined) underWay.set(call, replay.now)
    else if (synced !== undefined && call.begun !== undefined) {
      tally.count('syncs')
      const when = `at sync ${tally.of('syncs')}, of ${synced === '' ? 'the folder' : synced}`
      const { now, output } = replay
      const tried = (share: number, how: string): Promise<void> =>
        attempt({ files: disk.afterPowerCut(now, share, random), output, at: call.at, when: `${when}, ${how}` })
      for (const share of [0, 0.2, 0.5, 0.9, 1]) await tried(share, `${share} written`)
      disk.sync(synced, underWay.get(call.begun) ?? now)
      underWay.delete(call.begun)
      await tried(0, 'done')
    }
    replay.apply(call)
  }
  if (!isSame(replay.now, folderAt(folder))) tally.fault('the recording does not lead to what is in the folder')
}

function isSame(one: Folder, other: Folder): boolean {
  const names = [...one.names.keys()]
  const contentOf = ({ names: files, files: contents }: Folder, name: string): Buffer | undefined => contents.get(files.get(name) ?? -1)
  return (
    names.length === other.names.size && names.every((name) => contentOf(one, name)?.equals(contentOf(other, name) ?? missing) ?? false)
  )
}

/** Equal to no file of ours. */
const missing = Buffer.from('missing')
