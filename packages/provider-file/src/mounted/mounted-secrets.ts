import type { SecretProvider, StoredSecret } from '@finchat/secrets-core'
import {
  type FileQuestion,
  knownOptions,
  locator,
  type MembersOf,
  type Provides,
  readIdentified,
  throwIfAborted,
  withoutLineEnd,
} from '@finchat/secrets-core/provider'
import { mountedManifest } from '../shared/limits.ts'
import { fileMembers, type FileOptions, pathOption } from '../shared/options.ts'
import { inOneGeneration } from './generation.ts'
import { SecretFolder } from './secret-folder.ts'

/** Options of `mountedSecrets`. `name` is `mounted` by default. */
export interface MountedSecretsOptions extends FileOptions {
  /** The folder with one file for each secret, such as `/run/secrets`. Nothing outside is read. */
  readonly folder: string
  /**
   * Removes one line end (LF or CRLF) from the end of each text. Default: false, and values are
   * exact.
   */
  readonly withoutLineEnd?: boolean | undefined
}

const members: MembersOf<MountedSecretsOptions> = { ...fileMembers, folder: 'any', withoutLineEnd: 'boolean' }

/** Reads of a folder: what it supports beside the contract's required members. */
export type MountedSecrets = SecretProvider & Provides<'getMany' | 'list' | 'probe' | 'changes' | 'checkHealth' | 'locate'>

/** How many files are open at once in a read of several. */
const mostOpen = 32

/**
 * Returns a provider of mounted secrets, one file for each: a Kubernetes volume, Docker's
 * `/run/secrets`, or any folder. Values are the files' bytes. `changes` watches the folder, so that
 * a swap of a volume is noticed at once. `getMany` reads one generation of a volume.
 *
 * Throws `CONFIGURATION` for an invalid option. Reads reject with `CONFIGURATION` if the folder is
 * missing. They also do for a file that is not regular, too large (64 KiB) or outside the folder.
 *
 * @example
 * import { mkdirSync, writeFileSync } from 'node:fs'
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { mountedSecrets } from '@finchat/secrets-provider-file'
 *
 * mkdirSync('secrets')
 * writeFileSync('secrets/DB_PASSWORD', 'hunter2')
 * const secrets = createSecretsManager({ providers: [mountedSecrets({ folder: 'secrets' })] })
 * console.log(await secrets.getSecret('DB_PASSWORD')) // hunter2
 */
export function mountedSecrets(given: MountedSecretsOptions): MountedSecrets {
  const options = knownOptions(given, members)
  const { name = 'mounted', graceSharedAs, withoutLineEnd: isTrimmed = false } = options
  const folder = new SecretFolder(pathOption('folder', options.folder), mountedManifest)
  const read: FileQuestion<StoredSecret> = isTrimmed ? readTrimmed : readIdentified
  return {
    specificationVersion: 'v1',
    name,
    ...(graceSharedAs !== undefined && { graceSharedAs }),
    locate: locator(options, mountedManifest.canHoldPath),
    get: (path, { signal }) => folder.ask(path, signal, read),
    getMany: (paths, { signal }) => readMany(folder, paths, signal, read),
    probe: (path, { signal }) => folder.probe(path, signal),
    list: (prefix, context) => folder.list(prefix, context),
    changes: (listener) => folder.changes.listen(listener),
    checkHealth: ({ signal }) => folder.check(signal),
  }
}

type Answers = PromiseSettledResult<StoredSecret | undefined>[]

async function readMany(
  folder: SecretFolder,
  paths: readonly string[],
  signal: AbortSignal,
  read: FileQuestion<StoredSecret>,
): Promise<Answers> {
  throwIfAborted(signal)
  return inOneGeneration(folder.path, signal, async () => {
    const answers: Answers = []
    for (let at = 0; at < paths.length; at += mostOpen) {
      const some = paths.slice(at, at + mostOpen)
      answers.push(...(await Promise.allSettled(some.map((path) => folder.ask(path, signal, read)))))
    }
    return answers
  })
}

const readTrimmed: FileQuestion<StoredSecret> = async (handle, subject) => {
  const { value, ...rest } = await readIdentified(handle, subject)
  return { value: typeof value === 'string' ? withoutLineEnd(value) : value, ...rest }
}
