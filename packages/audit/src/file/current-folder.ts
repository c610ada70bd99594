import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core/provider'
import { shownPath } from '../disk/folder-errors.ts'
import { keyFile, readKey } from '../format/folder-key.ts'
import { successorsOf } from '../format/successors.ts'

/** The folder of a trail in which segments are opened: the first, or the last that follows it. */
export async function currentFolder(root: string): Promise<string> {
  let [folder, next] = [root, await successorOf(root)]
  while (next !== undefined) {
    const path = join(root, next)
    if (!existsSync(join(path, keyFile))) return lastFolder(root, path)
    ;[folder, next] = [path, await successorOf(path)]
  }
  return folder
}

/** Folders in between may have been moved to an archive. */
async function lastFolder(root: string, gone: string): Promise<string> {
  for (const name of successorsOf(root).toReversed()) {
    const path = join(root, name)
    if (existsSync(join(path, keyFile)) && (await successorOf(path)) === undefined) return path
  }
  throw new SecretsError('CONFIGURATION', `the folder in which the audit trail goes on is gone: ${shownPath(gone)}`, {
    remedy: 'bring it back; an archive takes the folders before it, never the last',
  })
}

async function successorOf(folder: string): Promise<string | undefined> {
  const { next, key } = await readKey(folder)
  key.wipe()
  return next
}

type Listener = () => Promise<void>

const listeners = new Map<string, Set<Listener>>()

/** Calls back when this process rotates the trail. Returns what ends that. */
export function onRotation(root: string, listener: Listener): () => void {
  const own = listeners.get(root) ?? new Set()
  listeners.set(root, own.add(listener))
  return () => {
    own.delete(listener)
    if (own.size === 0) listeners.delete(root)
  }
}

/** Once all sinks of this process that write to the trail have moved on. */
export async function movingOn(root: string): Promise<void> {
  await Promise.all([...(listeners.get(root) ?? [])].map((listener) => listener()))
}
