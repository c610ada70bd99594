import type { Dirent } from 'node:fs'
import { join, sep } from 'node:path'
import { fileFailure, isStorePath, mountedRoot, throwIfAborted, unlessMissing } from '@finchat/secrets-core/provider'

interface Listing {
  readonly root: string
  readonly prefix: string
  readonly signal: AbortSignal
}

/**
 * The names of the files in a folder that begin with the prefix. Follows links, which Kubernetes
 * volumes consist of, but never out of the folder, and no link to a folder around it.
 */
export async function* listedNames(folder: string, prefix: string, signal: AbortSignal): AsyncGenerator<string> {
  throwIfAborted(signal)
  const root = await mountedRoot(folder, 'folder')
  yield* namesBelow({ root, prefix, signal }, '', [root])
}

async function* namesBelow(listing: Listing, name: string, around: readonly string[]): AsyncGenerator<string> {
  for (const entry of await entriesOf(join(listing.root, name))) {
    throwIfAborted(listing.signal)
    const path = name === '' ? entry.name : `${name}/${entry.name}`
    // Names that begin with two dots are kubelet's own.
    if (!entry.name.startsWith('..') && mayHold(listing.prefix, path)) yield* namesAt(listing, path, around)
  }
}

async function* namesAt(listing: Listing, path: string, around: readonly string[]): AsyncGenerator<string> {
  const found = await placeOf(join(listing.root, path))
  if (found === undefined || !found.real.startsWith(`${listing.root}${sep}`)) return
  if (found.isFile && path.startsWith(listing.prefix) && isStorePath(path)) yield path
  if (found.isFolder && !around.includes(found.real)) yield* namesBelow(listing, path, [...around, found.real])
}

/** Whether it begins with the prefix, or a file in it may. */
function mayHold(prefix: string, path: string): boolean {
  return path.startsWith(prefix) || prefix.startsWith(`${path}/`)
}

const subject = 'a folder of mounted secrets'

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  const { readdir } = process.getBuiltinModule('node:fs').promises
  return (await unlessMissing(subject, () => readdir(folder, { withFileTypes: true }))) ?? []
}

async function placeOf(
  place: string,
): Promise<{ readonly real: string; readonly isFile: boolean; readonly isFolder: boolean } | undefined> {
  const { realpath, stat } = process.getBuiltinModule('node:fs').promises
  return unlessMissing(subject, async () => {
    const real = await realpath(place).catch(unlessLoop)
    if (real === undefined) return undefined
    const stats = await stat(real)
    return { real, isFile: stats.isFile(), isFolder: stats.isDirectory() }
  })
}

/** A link that leads round in circles holds no secret, and hides none of the others. */
function unlessLoop(error: unknown): undefined {
  if (fileFailure(error) !== 'link-loop') throw error
}
