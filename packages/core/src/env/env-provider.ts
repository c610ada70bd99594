import type { ProviderManifest, SecretProvider } from '../contract/provider.ts'
import { described, quoted } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { locator, type NamesOptions } from '../chain/locator.ts'
import { throwIfAborted } from '../guard/deadline.ts'
import { parseDotenv } from '../kit/dotenv.ts'
import { maxSecretFileBytes } from '../kit/secret-file.ts'
import { FolderChanges } from '../kit/mounted/folder-changes.ts'
import { askMountedFile, type FileQuestion, type Identified, identify, mountedRoot, readIdentified } from '../kit/mounted/mounted-file.ts'
import { askNamedFile } from './named-file.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Options of `envProvider`. */
export interface EnvProviderOptions extends NamesOptions {
  /** Empty variables and files count as not set. Default: false, and their value is `''`. */
  readonly emptyIsAbsent?: boolean | undefined
  /** Shown in errors, audit events and health. Default: `env`. */
  readonly name?: string | undefined
  /** The variables, read at each call. Default: `process.env`. */
  readonly env?: Environment | undefined
  /**
   * The text of a `.env` file, by the rules of dotenv. It applies to variables that `env` does not have.
   */
  readonly dotenv?: string | undefined
  /**
   * Also looks up a missing name in capitals, with `_` for other characters: `db/password` as
   * `DB_PASSWORD`. Names that differ only in this are then one secret.
   */
  readonly upperSnakeCase?: boolean | undefined
  /**
   * `DB_PASSWORD_FILE=/run/secrets/db` gives `DB_PASSWORD` that file's content. Both set is
   * `CONFIGURATION`.
   */
  readonly fileVariables?: boolean | undefined
  /**
   * A directory with one file for each secret, such as `/run/secrets`. It is read where no variable
   * exists, and never outside.
   */
  readonly directory?: string | undefined
  /**
   * The text that all processes with these secrets have in common, such as `payments`. Over a shared
   * cache they learn each other's former values by digests, for `acceptPreviousForSeconds`.
   */
  readonly graceSharedAs?: string | undefined
}

const members: MembersOf<EnvProviderOptions> = {
  name: 'string',
  env: 'any',
  dotenv: 'string',
  emptyIsAbsent: 'boolean',
  upperSnakeCase: 'boolean',
  fileVariables: 'boolean',
  directory: 'string',
  graceSharedAs: 'string',
  names: 'any',
  prefix: 'any',
  onlyNamed: 'boolean',
}

/**
 * What `envProvider` supports: current values, read only. With files also `probe` and `changes`. Only files may hold bytes that are not
 * text.
 */
export const envManifest: ProviderManifest = {
  supports: ['checkHealth'],
  values: { minBytes: 0, maxBytes: maxSecretFileBytes, binary: false },
  canHoldPath: (path) => path !== '' && path.isWellFormed() && !/[=\0]/.test(path),
}

/**
 * Returns a provider of environment variables and, by option, of mounted files and `.env` text.
 * Values are exact: an empty variable is a value, and a file's last newline is part of it. Files
 * are regular and have at most 64 KiB.
 *
 * Reads reject with `CONFIGURATION` if a named file or `directory` is missing or unusable, with
 * `PERMISSION_DENIED` if a file is unreadable, else with `UNAVAILABLE`. It has no versions and no
 * writes.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const env = { FINCHAT_TOKEN: 'dev-token', DB_PASSWORD: '00123' }
 * const secrets = createSecretsManager({ providers: [envProvider({ env, upperSnakeCase: true })] })
 * console.log(await secrets.getSecret('FINCHAT_TOKEN'), await secrets.getSecret('db/password')) // dev-token 00123
 */
export function envProvider(given: EnvProviderOptions = {}): SecretProvider {
  const options = knownOptions(given, members)
  const { name = 'env', fileVariables = false, directory } = options
  if (options.env !== undefined) assertEnvironment(options.env)
  const changes = new FolderChanges()
  if (directory !== undefined) changes.include(directory)
  const find = finder(options, changes)
  return {
    specificationVersion: 'v1',
    name,
    ...(options.graceSharedAs !== undefined && { graceSharedAs: options.graceSharedAs }),
    locate: locator(options, envManifest.canHoldPath),
    get: (path, { signal }) => find(path, signal, readIdentified),
    ...((fileVariables || directory !== undefined) && {
      probe: async (path, { signal }) => {
        const found = await find(path, signal, identify)
        return found && { revision: found.revision }
      },
      changes: (listener) => changes.listen(listener),
    }),
    checkHealth: async ({ signal }) => {
      throwIfAborted(signal)
      if (directory !== undefined) await mountedRoot(directory)
    },
  }
}

interface Variable {
  readonly value: string
  readonly revision?: undefined
}

type Find = <T extends Identified>(path: string, signal: AbortSignal, ask: FileQuestion<T>) => Promise<T | Variable | undefined>

/** Finds a variable, or asks the file that takes its place. */
function finder(options: EnvProviderOptions, changes: FolderChanges): Find {
  const { emptyIsAbsent = false, upperSnakeCase = false, fileVariables = false, directory } = options
  const variable = variableReader(options)
  const find: Find = async (key, signal, ask) => {
    const named = fileVariables ? variable(`${key}_FILE`) : undefined
    const value = variable(key)
    if (named === undefined && value !== undefined) return { value }
    if (named === undefined && directory === undefined) return undefined
    const { dirname, join } = process.getBuiltinModule('node:path')
    const folder = named === undefined ? String(directory) : dirname(named)
    changes.include(folder)
    // No time: Kubernetes mounts all files anew when one changes, so it could be too late.
    const found = await (named === undefined ? askMountedFile(folder, key, signal, ask) : askNamedFile(named, key, value, signal, ask))
    // A watch of a folder does not see what happens in the folders inside it.
    if (found !== undefined && named === undefined) changes.include(dirname(join(folder, key)))
    return found
  }
  return async (path, signal, ask) => {
    throwIfAborted(signal)
    for (const key of keysOf(path, upperSnakeCase)) {
      const found = await find(key, signal, ask)
      if (found !== undefined && !(emptyIsAbsent && found.value === '')) return found
    }
    return undefined
  }
}

function variableReader({ env, dotenv = '', emptyIsAbsent }: EnvProviderOptions): (name: string) => string | undefined {
  let parsed: ReadonlyMap<string, string> | undefined
  // No regular expression: RegExp.input would keep the text.
  if (!dotenv.includes('=') && dotenv.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('#'))) {
    throw new SecretsError('CONFIGURATION', 'dotenv is not the text of a .env file: it sets no variable', {
      remedy: "pass what the file holds: readFileSync('.env', 'utf8')",
    })
  }
  const isSet = (value: string | undefined): boolean => value !== undefined && !(emptyIsAbsent && value === '')
  return (name) => {
    const value = ownVariable(env ?? process.env, name)
    if (isSet(value)) return value
    parsed ??= parseDotenv(dotenv)
    const written = parsed.get(name)
    return isSet(written) ? written : undefined
  }
}

export function assertEnvironment(env: unknown): void {
  if (isRecord(env)) return
  throw new SecretsError('CONFIGURATION', `env is ${described(env)}`, { remedy: 'pass an object of texts, such as process.env' })
}

/** Own properties only: `process.env.constructor` is not a variable. */
export function ownVariable(env: Environment, name: string): string | undefined {
  const value: unknown = Object.hasOwn(env, name) ? env[name] : undefined
  if (value === undefined || typeof value === 'string') return value
  throw new SecretsError('CONFIGURATION', `\`env\` holds no text under ${quoted(name)}`, { remedy: 'pass strings, as process.env does' })
}

/** The names to look up, in order. */
function keysOf(path: string, upperSnakeCase: boolean): Iterable<string> {
  if (!envManifest.canHoldPath(path)) throw new SecretsError('INVALID_ARGUMENT', `no variable can be named ${quoted(path)}`)
  return upperSnakeCase ? new Set([path, inUpperSnakeCase(path)]) : [path]
}

function inUpperSnakeCase(path: string): string {
  return path.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
}
