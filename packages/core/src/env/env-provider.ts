import type { ProviderManifest, SecretProvider } from '../contract/provider.ts'
import { described, quoted } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { locator, type NamesOptions } from '../chain/locator.ts'
import { throwIfAborted } from '../guard/deadline.ts'
import { maxSecretFileBytes } from '../kit/secret-file.ts'
import { readMountedFile, readNamedFile, rootOf } from './mounted-file.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** A set of variables, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvProviderOptions extends NamesOptions {
  /**
   * What is empty counts as not set, in variables and files: an empty one is the value `''` by
   * default.
   */
  readonly emptyIsAbsent?: boolean | undefined
  /** Stands in errors, audit events and health: `env` by default. */
  readonly name?: string | undefined
  /** The variables: `process.env` by default, read at each call. */
  readonly env?: Environment | undefined
  /**
   * Text in the format of a `.env` file (`util.parseEnv`). Its variables count where `env` has none
   * of that name.
   */
  readonly dotenv?: string | undefined
  /**
   * Look up a missing name in capitals too, with `_` for all but letters and digits: `db/password`
   * as `DB_PASSWORD`. Names that differ only in this are then one secret.
   */
  readonly upperSnakeCase?: boolean | undefined
  /**
   * Containers' convention: `DB_PASSWORD_FILE=/run/secrets/db` gives `DB_PASSWORD` what that file
   * holds. Both set is `CONFIGURATION`.
   */
  readonly fileVariables?: boolean | undefined
  /**
   * A directory of files, one a secret, such as `/run/secrets`; asked for what no variable has.
   * Nothing outside it is read.
   */
  readonly directory?: string | undefined
}

const members: MembersOf<EnvProviderOptions> = {
  name: 'string',
  env: 'any',
  dotenv: 'string',
  emptyIsAbsent: 'boolean',
  upperSnakeCase: 'boolean',
  fileVariables: 'boolean',
  directory: 'string',
  names: 'any',
  prefix: 'any',
  onlyNamed: 'boolean',
}

/**
 * What `envProvider` supports: current values, read only. A variable holds text; only files may
 * hold other bytes.
 */
export const envManifest: ProviderManifest = {
  supports: ['checkHealth'],
  values: { minBytes: 0, maxBytes: maxSecretFileBytes, binary: false },
  canHoldPath: (path) => path !== '' && path.isWellFormed() && !/[=\0]/.test(path),
}

/**
 * Returns a provider of secrets from environment variables and, where asked for, from mounted files
 * and `.env` text. Values are exact: an empty variable is a value, and a file's last newline is
 * part of it (write files with `printf %s`). Files are regular files of up to 64 KiB.
 *
 * Its reads reject with `CONFIGURATION` where something is named but is not there or not usable (a
 * `…_FILE` without its file, a missing `directory`), with `PERMISSION_DENIED` where a file may not
 * be read, and with `UNAVAILABLE` where reading it failed. It has no versions and no writes.
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
  const { name = 'env', emptyIsAbsent = false, upperSnakeCase = false, fileVariables = false, directory } = options
  if (options.env !== undefined) assertEnvironment(options.env)
  const variable = variableReader(options)

  const valueOf = async (key: string, signal: AbortSignal): Promise<string | Uint8Array | undefined> => {
    const file = fileVariables ? variable(`${key}_FILE`) : undefined
    const value = variable(key)
    if (file !== undefined) return readNamedFile(file, key, value, signal)
    if (value !== undefined || directory === undefined) return value
    return readMountedFile(directory, key, signal)
  }

  return {
    specificationVersion: 'v1',
    name,
    locate: locator(options, envManifest.canHoldPath),
    get: async (path, { signal }) => {
      throwIfAborted(signal)
      if (!envManifest.canHoldPath(path)) throw new SecretsError('INVALID_ARGUMENT', `no variable can be named ${quoted(path)}`)
      for (const key of upperSnakeCase ? new Set([path, inUpperSnakeCase(path)]) : [path]) {
        const value = await valueOf(key, signal)
        if (value !== undefined && !(emptyIsAbsent && value === '')) return { value }
      }
      return undefined
    },
    checkHealth: async () => {
      if (directory !== undefined) await rootOf(directory)
    },
  }
}

function variableReader({ env, dotenv = '', emptyIsAbsent }: EnvProviderOptions): (name: string) => string | undefined {
  let parsed: Environment | undefined
  // No regular expression: RegExp.input would keep the text.
  if (!dotenv.includes('=') && dotenv.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('#'))) {
    throw new SecretsError('CONFIGURATION', 'dotenv is the text of no .env file: it sets no variable', {
      remedy: "pass what the file holds: readFileSync('.env', 'utf8')",
    })
  }
  const isSet = (value: string | undefined): boolean => value !== undefined && !(emptyIsAbsent && value === '')
  return (name) => {
    const value = ownVariable(env ?? process.env, name)
    if (isSet(value)) return value
    // parseEnv would take a byte order mark for a part of the first name.
    parsed ??= process.getBuiltinModule('node:util').parseEnv(dotenv.startsWith('\ufeff') ? dotenv.slice(1) : dotenv)
    const written = ownVariable(parsed, name)
    return isSet(written) ? written : undefined
  }
}

/** Throws `CONFIGURATION` unless this is an object of variables; shows no value. */
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

function inUpperSnakeCase(path: string): string {
  return path.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
}
