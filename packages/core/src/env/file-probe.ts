import type { WriteReceipt } from '../contract/provider.ts'
import { unlessMissing } from '../kit/secret-file.ts'
import type { FileChanges } from './file-changes.ts'
import { assertInside, identityOf, isListed, isMountedName, mountedSubject, namedFile, rootOf, wentAway } from './mounted-file.ts'

export interface FileProbeOptions {
  readonly variable: (name: string) => string | undefined
  readonly fileVariables: boolean
  readonly directory: string | undefined
  readonly emptyIsAbsent: boolean
  readonly changes: FileChanges
}

/**
 * Tells by identity which file changed. A variable has none, and costs nothing to read. `keys`: the
 * names to look up, in order.
 */
export async function probeFiles(keys: Iterable<string>, options: FileProbeOptions): Promise<WriteReceipt | undefined> {
  for (const key of keys) {
    const found = await probeKey(key, options)
    if (found !== undefined && !(options.emptyIsAbsent && found.isEmpty)) return { revision: found.revision }
  }
  return undefined
}

async function probeKey(
  key: string,
  { variable, fileVariables, directory, changes }: FileProbeOptions,
): Promise<Partial<FileIdentity> | undefined> {
  const file = fileVariables ? variable(`${key}_FILE`) : undefined
  const value = variable(key)
  if (file !== undefined) {
    changes.include(process.getBuiltinModule('node:path').dirname(file))
    return probeNamedFile(file, key, value)
  }
  if (value !== undefined) return { isEmpty: value === '' }
  if (directory === undefined) return undefined
  // Again with each probe, since the directory may have been replaced.
  changes.include(directory)
  return probeMountedFile(directory, key)
}

/** A file's identity, which another content does not have; `undefined` if there is none. */
interface FileIdentity {
  readonly revision: string
  readonly isEmpty: boolean
}

/** The identity of the file that `KEY_FILE` names. Links are followed, as a read does it. */
function probeNamedFile(path: string, key: string, value: string | undefined): Promise<FileIdentity> {
  return namedFile(key, value, (subject) => unlessMissing(subject, () => probeAt(path)))
}

/** As `readMountedFile` without the content. Rejects as it does while the mount is swapped. */
async function probeMountedFile(directory: string, path: string): Promise<FileIdentity | undefined> {
  const root = await rootOf(directory)
  if (!isMountedName(path)) return undefined
  const { lstat, realpath } = process.getBuiltinModule('node:fs').promises
  const place = process.getBuiltinModule('node:path').join(root, path)
  const real = await unlessMissing(mountedSubject, () => realpath(place))
  if (real !== undefined) assertInside(root, real, mountedSubject)
  const found = real === undefined || !(await isListed(root, path)) ? undefined : await unlessMissing(mountedSubject, () => probeAt(real))
  if (found !== undefined || (await unlessMissing(mountedSubject, () => lstat(place))) === undefined) return found
  throw wentAway()
}

/** With the time of its last change: a number of a removed file may be used again. */
async function probeAt(path: string): Promise<FileIdentity> {
  const stats = await process.getBuiltinModule('node:fs').promises.stat(path, { bigint: true })
  return { revision: `${identityOf(stats)} ${stats.size}`, isEmpty: stats.size === 0n }
}
