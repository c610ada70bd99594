import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../harness/random.ts'

/** A folder as its processes see it: which file each name stands for, and what is in the files. */
export interface Folder {
  readonly names: ReadonlyMap<string, number>
  readonly files: ReadonlyMap<number, Buffer>
}

/** A disk writes in sectors: each of them is as before or as after, and no other thing. */
export const sectorLength = 512

/** Reads a folder whose processes are stopped. */
export function folderAt(path: string): Folder {
  const names = new Map(readdirSync(path).map((name) => [name, statSync(join(path, name)).ino]))
  const files = new Map([...names].map(([name, file]) => [file, readFileSync(join(path, name))]))
  return { names, files }
}

/**
 * What a disk holds for sure: each file as of its last `fsync`, and names as of the folder's last
 * `fsync`. A power cut leaves any part of later writes.
 */
export class Disk {
  #names = new Map<string, number>()
  readonly #files = new Map<number, Buffer>()

  /**
   * Takes in that a file, or the folder itself if `name` is empty, was synced when it was as in
   * `now`.
   */
  sync(name: string, now: Folder): void {
    const file = now.names.get(name)
    const content = file === undefined ? undefined : now.files.get(file)
    if (name === '') this.#names = new Map(now.names)
    else if (file !== undefined && content) this.#files.set(file, content)
  }

  /** Takes in that everything was synced. */
  syncAll(now: Folder): void {
    for (const name of ['', ...now.names.keys()]) this.sync(name, now)
  }

  /** What a power cut may leave, when of what is not synced about `share` has reached the disk. */
  afterPowerCut(now: Folder, share: number, random: Random): Map<string, Buffer> {
    const image = new Map<string, Buffer>()
    for (const name of new Set([...this.#names.keys(), ...now.names.keys()])) {
      const [old, fresh] = [this.#names.get(name), now.names.get(name)]
      const file = old !== fresh && random.chance(share) ? fresh : old
      if (file !== undefined) image.set(name, this.#content(file, now, share, random))
    }
    return image
  }

  #content(file: number, now: Folder, share: number, random: Random): Buffer {
    const old = this.#files.get(file) ?? Buffer.alloc(0)
    return mixed(old, now.files.get(file) ?? old, share, random)
  }
}

/**
 * Some sectors old and some new. If only the length is new, an old sector is empty; cut-off bytes
 * that still belong to the file are unchanged.
 */
function mixed(old: Buffer, fresh: Buffer, share: number, random: Random): Buffer {
  const image = Buffer.alloc(random.chance(share) ? fresh.length : old.length)
  for (let at = 0; at < image.length; at += sectorLength) {
    const from = at < fresh.length && random.chance(share) ? fresh : old
    image.set(from.subarray(at, Math.min(at + sectorLength, image.length)), at)
  }
  return image
}

/** What stands under each name. */
export function contentsOf({ names, files }: Folder): Map<string, Buffer> {
  return new Map([...names].map(([name, file]) => [name, files.get(file) ?? Buffer.alloc(0)]))
}

export function writeFolder(path: string, image: ReadonlyMap<string, Buffer>): void {
  for (const [name, content] of image) writeFileSync(join(path, name), content)
}
