import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

import type { StoredSecret } from '../../contract/provider.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { fileFailure } from '../file-failure.ts'
import { maxSecretFileBytes, readWhole, unlessMissing, withSecretFile } from '../secret-file.ts'

/** What is asked of an open file. `subject` names it in errors. */
export type FileQuestion<T> = (handle: FileHandle, subject: string) => Promise<T>

/** The identity of a file's content; of an empty file its value too. */
export interface Identified {
  readonly revision?: string | undefined
  readonly value?: StoredSecret['value'] | undefined
}

/**
 * Returns the content with the identity from before it was read: a change in between is not missed.
 * The last newline is kept, as a part of the secret. Rejects with `CONFIGURATION` above `maxBytes`,
 * 64 KiB by default.
 *
 * @example
 * import { askMountedFile, readIdentified } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * const secret = await askMountedFile('.', 'no-such-file', signal, readIdentified)
 * console.log(secret) // undefined
 */
export async function readIdentified(handle: FileHandle, subject: string, maxBytes: number = maxSecretFileBytes): Promise<StoredSecret> {
  const { revision } = await identify(handle)
  return { value: await readWhole(handle, subject, maxBytes), revision }
}

/**
 * Returns the identity, which another content does not have; of an empty file its value too. It has
 * the time of the last change, since a number of a removed file may be used again.
 *
 * @example
 * import { askMountedFile, identify } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * const found = await askMountedFile('.', 'no-such-file', signal, identify)
 * console.log(found?.revision) // undefined
 */
export async function identify(handle: FileHandle): Promise<Identified> {
  const stats = await handle.stat({ bigint: true })
  return { revision: `${identityOf(stats)} ${stats.size}`, value: stats.size === 0n ? '' : undefined }
}

/** How often a read starts again when the directory changes. */
const mountedAttempts = 5

/**
 * Asks a file of mounted secrets, such as `/run/secrets` or a Kubernetes volume. Follows links,
 * which Kubernetes mounts consist of, but never out of the directory. `undefined` only while the
 * directory exists and does not change. Rejects as `readSecretFile` and `mountedRoot` do, and with
 * `CONFIGURATION` for a link out of the directory. `option` names the directory in errors.
 *
 * @example
 * import { askMountedFile, readIdentified } from '@finchat/secrets-core/provider'
 *
 * const { signal } = new AbortController()
 * console.log(await askMountedFile('.', '../outside', signal, readIdentified)) // undefined
 */
export async function askMountedFile<T>(
  directory: string,
  path: string,
  signal: AbortSignal,
  ask: FileQuestion<T>,
  option = 'directory',
): Promise<T | undefined> {
  const root = await rootOf(directory, option)
  if (!isMountedName(path)) return undefined
  for (let attempt = 1; attempt <= mountedAttempts; attempt += 1) {
    const found = await mountedFile(root, path, signal, ask)
    if (found !== 'changed' && found !== undefined) return found.answer
    // A directory that was replaced as a whole is not read at once: the new one may have its path.
    if ((await rootOf(directory, option)).identity !== root.identity) break
    // It existed a moment ago, so it is not absent.
    if (found === undefined && attempt === 1) return undefined
  }
  throw new SecretsError('UNAVAILABLE', `${mountedSubject} went away while it was read, or is a link to nothing`, { remedy: 'try again' })
}

/**
 * Returns whether a file in a mounted directory may have this name. `a//b` and `a/./b` would be
 * other names of `a/b`. A name that begins with `..` is outside, or kubelet's own: the secret `db`
 * is also at `..data/db`.
 *
 * @example
 * import { isMountedName } from '@finchat/secrets-core/provider'
 *
 * console.log(isMountedName('db/password'), isMountedName('..data/db'), isMountedName('a//b')) // true false false
 */
export function isMountedName(path: string): boolean {
  return !/(^|\/)(\.?(\/|$)|\.\.)|\\/.test(path)
}

const mountedSubject = 'its file in the mounted directory'

/**
 * Kubernetes swaps a volume under its readers, so a file that disappears meanwhile is not absent.
 */
async function mountedFile<T>(
  root: Root,
  path: string,
  signal: AbortSignal,
  ask: FileQuestion<T>,
): Promise<{ readonly answer: T } | 'changed' | undefined> {
  const { lstat, realpath } = process.getBuiltinModule('node:fs').promises
  const place = process.getBuiltinModule('node:path').join(root.path, path)
  const real = await unlessMissing(mountedSubject, () => realpath(place))
  if (real !== undefined) {
    assertInside(root.path, real, mountedSubject)
    // Twice, since a swap during the listing may hide a name.
    if (!((await isListed(root.path, path)) || (await isListed(root.path, path)))) return undefined
    const answer = await withSecretFile(real, mountedSubject, signal, async (handle, subject) =>
      (await isInside(handle, root, real)) ? ask(handle, subject) : undefined,
    )
    return answer === undefined ? 'changed' : { answer }
  }
  const isLink = (await unlessMissing(mountedSubject, () => lstat(place))) !== undefined
  return isLink ? 'changed' : undefined
}

/**
 * Whether each folder lists the exact name: Windows and macOS ignore case, and Windows trailing
 * dots.
 */
async function isListed(root: string, path: string): Promise<boolean> {
  const { readdir } = process.getBuiltinModule('node:fs').promises
  let folder = root
  for (const name of path.split('/')) {
    const listed = await readdir(folder).catch((error: unknown) => (isDenied(error) ? [name] : []))
    if (!listed.includes(name)) return false
    folder = process.getBuiltinModule('node:path').join(folder, name)
  }
  return true
}

/** A folder may be entered without the right to list it. */
function isDenied(error: unknown): boolean {
  return fileFailure(error) === 'denied'
}

/**
 * A link may have been swapped in after the path was resolved. Throws `CONFIGURATION` if the file
 * is outside. `false`: the directory changed meanwhile.
 */
async function isInside(handle: FileHandle, root: Root, real: string): Promise<boolean> {
  const opened = await openedPath(handle)
  if (opened === undefined) return isStillAt(handle, root.path, real)
  if (isBelow(root.path, opened)) return true
  if (await isReplaced(root)) return false
  throw outside(mountedSubject)
}

/** Whether its folder was renamed, with the open file in it. A link in its place is a way out. */
async function isReplaced({ path, identity }: Root): Promise<boolean> {
  const { lstat } = process.getBuiltinModule('node:fs').promises
  const stats = await unlessMissing(mountedSubject, () => lstat(path, { bigint: true }))
  return stats === undefined || (!stats.isSymbolicLink() && rootIdentity(stats, path) !== identity)
}

/** Only Linux gives the path of an open file, and only to a process that may read it. */
async function openedPath({ fd }: FileHandle): Promise<string | undefined> {
  try {
    return await process.getBuiltinModule('node:fs').promises.readlink(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

/** Compared before and after, since a swap changes a folder's `ctime`. */
async function isStillAt(handle: FileHandle, root: string, real: string): Promise<boolean> {
  const before = await wayTo(root, real)
  const opened = identityOf(await handle.stat({ bigint: true }))
  return before?.at(-1) === opened && String(before) === String(await wayTo(root, real))
}

/** The identity of each folder from the root to the file; `undefined` if one is a link. */
async function wayTo(root: string, real: string): Promise<readonly string[] | undefined> {
  const { dirname } = process.getBuiltinModule('node:path')
  const { lstat } = process.getBuiltinModule('node:fs').promises
  const steps = [real]
  for (let place = real; place !== root; place = dirname(place)) steps.unshift(dirname(place))
  const stats = []
  for (const step of steps) stats.push(await lstat(step, { bigint: true }))
  return stats.some((each) => each.isSymbolicLink()) ? undefined : stats.map(identityOf)
}

function identityOf({ dev, ino, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${ctimeNs}`
}

/**
 * Returns the directory's path without links. Rejects with `CONFIGURATION` if it is missing or
 * another kind of file, and names it by `option`.
 *
 * @example
 * import { mountedRoot } from '@finchat/secrets-core/provider'
 *
 * const error = await mountedRoot('/no/such/folder', 'folder').catch(({ code }) => code)
 * console.log(error) // CONFIGURATION
 */
export async function mountedRoot(directory: string, option = 'directory'): Promise<string> {
  return (await rootOf(directory, option)).path
}

interface Root {
  readonly path: string
  /** What no other directory has at the same time. */
  readonly identity: string
}

function rootIdentity({ dev, ino }: BigIntStats, path: string): string {
  return `${dev} ${ino} ${path}`
}

async function rootOf(directory: string, option: string): Promise<Root> {
  const { realpath, stat } = process.getBuiltinModule('node:fs').promises
  const root = await unlessMissing('the mounted directory', async () => {
    const path = await realpath(directory)
    const stats = await stat(path, { bigint: true })
    return stats.isDirectory() ? { path, identity: rootIdentity(stats, path) } : undefined
  })
  if (root !== undefined) return root
  throw new SecretsError('CONFIGURATION', `\`${option}\` names no directory`, { remedy: 'mount it, or correct its path' })
}

function assertInside(root: string, place: string, subject: string): void {
  if (!isBelow(root, place)) throw outside(subject)
}

function isBelow(root: string, place: string): boolean {
  const { isAbsolute, relative, sep } = process.getBuiltinModule('node:path')
  const way = relative(root, place)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

function outside(subject: string): SecretsError {
  return new SecretsError('CONFIGURATION', `${subject} is outside of it`, { remedy: 'keep paths and links inside the directory' })
}
