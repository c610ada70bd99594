import type { Provides } from '../contract/provider.ts'
import { throwIfAborted } from '../guard/deadline.ts'
import { FileChanges } from './file-changes.ts'
import { type FileIdentity, probeMountedFile, probeNamedFile } from './mounted-file.ts'

interface FileProbeOptions {
  readonly variable: (name: string) => string | undefined
  readonly fileVariables: boolean
  readonly directory: string | undefined
  readonly emptyIsAbsent: boolean
  /** The names to look up for a path, in order. */
  readonly keysOf: (path: string) => Iterable<string>
}

/** Tells by identity which file changed. A variable has none, and costs nothing to read. */
export function fileProbe(options: FileProbeOptions): Provides<'probe' | 'changes'> {
  const changes = new FileChanges()
  if (options.directory !== undefined) changes.include(options.directory)
  return {
    probe: async (path, { signal }) => {
      throwIfAborted(signal)
      for (const key of options.keysOf(path)) {
        const found = await probeKey(key, options, changes)
        if (found !== undefined && !(options.emptyIsAbsent && found.isEmpty)) return { revision: found.revision }
      }
      return undefined
    },
    changes: (listener) => changes.listen(listener),
  }
}

async function probeKey(
  key: string,
  { variable, fileVariables, directory }: FileProbeOptions,
  changes: FileChanges,
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
