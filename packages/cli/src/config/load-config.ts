import { basename, dirname, resolve } from 'node:path'
import {
  type AuditEvent,
  type AuditFromEnv,
  type AuditTrail,
  type Environment,
  envProvider,
  type ProviderFromEnv,
  type SecretAlias,
  type SecretProvider,
  SecretsError,
  type SecretsManager,
  secretsManagerFromEnv,
} from '@finchat/secrets-core'
import { knownOptions, loadOnUse, type MembersOf, namesFromEnv } from '@finchat/secrets-core/provider'
import type { DecoyWatch } from '../decoys/report-decoys.ts'
import type { Config, DeclaredSecret } from './config.ts'
import { aliasesOf, meantOr } from './declared-names.ts'
import { UsageError } from '../terminal/known-error.ts'
import { findConfig, missingConfig } from './find-config.ts'
import { loadFactories } from './provider-packages.ts'
import { readConfig } from './read-config.ts'
import { inWordsOfFile, readVariables, withKeychain } from './variables.ts'

/** Options of `loadConfig`. */
export interface LoadConfigOptions {
  /** The configuration file. Default: the nearest `finchat-secrets.config.json`, else variables alone. */
  readonly file?: string | undefined
  /** Where the search begins, and what a relative `file` is relative to. Default: the current folder. */
  readonly cwd?: string | undefined
  /** The variables. Default: `process.env`. */
  readonly env?: Environment | undefined
}

/** What `loadConfig` returns. Close `secrets` when you are done. */
export interface LoadedConfig {
  /** The file that was read; `undefined` if variables alone configure the manager. */
  readonly file: string | undefined
  /** The secrets that the application needs, by the name under which it reads them. */
  readonly schema: Readonly<Record<string, DeclaredSecret>>
  /** The names of the chain's providers, in order. */
  readonly chain: readonly string[]
  /** It takes the names of `schema`, and those of the chain. */
  readonly secrets: SecretsManager
}

/**
 * Makes a secrets manager from the configuration file that the command line uses, and from the
 * `FINCHAT_*` variables, which override it. The packages of the named providers are loaded, and no
 * others. The search for the file ends at the root of the repository, or without one of the package.
 * A process warning (`FINCHAT_SECRETS_NO_CONFIG`) says that there is none, and no `FINCHAT_*` variable.
 *
 * Rejects with `CONFIGURATION` if the file, a variable or a package is missing or wrong, and with
 * `CREDENTIALS_MISSING` if a key of the chain, or a token that is not in a file, is not where the file
 * says. One error lists everything that is wrong with the file, without values.
 *
 * @example
 * import { loadConfig } from '@finchat/secrets-cli'
 *
 * const { secrets } = await loadConfig({ env: { FINCHAT_TOKEN: 'dev-token' } })
 * console.log(await secrets.getSecret('FINCHAT_TOKEN')) // dev-token
 * await secrets.close()
 */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<LoadedConfig> {
  const known = knownOptions(options, optionMembers)
  const settings = await readSettings(known)
  warnOfMissing(known)
  return {
    file: settings.file,
    schema: settings.config.secrets ?? {},
    chain: chainOf(settings.variables),
    secrets: await makeManager(settings, { aliases: aliasesOf(settings.config.secrets) }),
  }
}

const optionMembers: MembersOf<LoadConfigOptions> = { file: 'string', cwd: 'string', env: 'any' }

/** In a wrong folder every secret would be missing, without a word of the file. */
function warnOfMissing({ file, cwd = process.cwd(), env }: LoadConfigOptions): void {
  const missing = file === undefined && env === undefined ? missingConfig(cwd, process.env) : undefined
  if (missing === undefined) return
  const text = `${missing}, so that loadConfig() reads nothing but variables: pass \`file\` or \`cwd\``
  process.emitWarning(text, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_NO_CONFIG' })
}

/** The file and the variables, before anything is made of them. */
export interface Settings {
  readonly file: string | undefined
  readonly config: Config
  /** The folder that the packages of providers are looked for in. */
  readonly folder: string
  /** The environment as it was given. */
  readonly env: Environment
  /** The environment with what the file says. */
  readonly variables: Environment
  /** Why the credentials of a section cannot be had; thrown where it is used. */
  readonly missing?: ReadonlyMap<string, unknown> | undefined
}

export async function readSettings({ file: given, cwd = process.cwd(), env = process.env }: LoadConfigOptions): Promise<Settings> {
  const file = given === undefined ? findConfig(resolve(cwd)) : resolve(cwd, given)
  const folder = file === undefined ? resolve(cwd) : dirname(file)
  const config = file === undefined ? {} : await readConfig(file)
  const own = await withKeychain(env, folder)
  const { variables, missing } = file === undefined ? own : await readVariables(config, folder, own.variables)
  return { file, config, folder, env, variables, missing: new Map([...missing, ...own.missing]) }
}

/** Throws if a credential of a section that is used cannot be had. */
export function assertCredentials({ missing }: Settings, used: readonly string[]): void {
  for (const section of used) if (missing?.has(section)) throw missing.get(section)
}

/** The providers that the variables name, in order. */
export function chainOf(variables: Environment): string[] {
  const { FINCHAT_SECRETS_PROVIDER: first, FINCHAT_SECRETS_FALLBACKS: fallbacks = 'env' } = variables
  const names = [first || 'env', ...fallbacks.split(',')].map((name) => name.trim()).filter(Boolean)
  return [...new Set(names)]
}

export interface ManagerParts {
  /** Gets each provider of the chain as it is made. */
  readonly onMade?: (provider: SecretProvider) => void
  /** Gets the events of the manager, where an audit trail is configured: false leaves one out of the trail. */
  readonly isRecorded?: (event: AuditEvent) => boolean
  /** Names beside those of the chain. */
  readonly aliases?: Readonly<Record<string, SecretAlias>> | undefined
}

export async function makeManager(
  settings: Settings,
  { onMade = () => {}, isRecorded, aliases }: ManagerParts = {},
): Promise<SecretsManager> {
  const { variables, env, folder, file, config } = settings
  assertCredentials(settings, [...chainOf(variables), 'decoys'])
  const { providers, audit } = await loadFactories(chainOf(variables), isAudited(variables), folder, config.providers)
  // The file's key must not become a secret that the provider of variables answers.
  const own: ProviderFromEnv = (reader) => envProvider({ env, ...namesFromEnv(reader, 'ENV') })
  const told = Object.entries({ ...providers, env: own }).map(([name, factory]) => [name, tellingFactory(factory, onMade)])
  let trail: AuditTrail | undefined
  const kept: AuditFromEnv | undefined = audit && ((reader) => (trail = selective(audit(reader), isRecorded)))
  const watch = await decoyWatch(variables)
  try {
    const secrets = secretsManagerFromEnv(Object.fromEntries(told), { env: variables, audit: kept, aliases })
    return watch === undefined ? secrets : watch(secrets, trail)
  } catch (error) {
    throw file === undefined ? error : inTermsOfFile(error, file)
  }
}

function selective(trail: AuditTrail | undefined, isRecorded: ManagerParts['isRecorded']): AuditTrail | undefined {
  if (trail === undefined || isRecorded === undefined) return trail
  return { ...trail, record: async (event, context) => (isRecorded(event) ? trail.record(event, context) : undefined) }
}

/** Without a key nothing is recognised, and nothing more is loaded. */
async function decoyWatch({ FINCHAT_DECOYS_KEY: key }: Environment): Promise<DecoyWatch | undefined> {
  if (!key) return undefined
  const { decoyWatchOf } = await loadOnUse(decoys, async () => import('../decoys/report-decoys.ts'), 'decoyWatchOf')
  return decoyWatchOf(key)
}

const decoys = { what: 'the recognition of decoys', name: '@finchat/secrets-cli' }

function tellingFactory(factory: ProviderFromEnv, onMade: (provider: SecretProvider) => void): ProviderFromEnv {
  return (reader) => {
    const provider = factory(reader)
    onMade(provider)
    return provider
  }
}

/** Throws unless `--provider` names one of the chain. */
export function assertInChain(provider: string | undefined, chain: readonly string[]): void {
  if (provider === undefined || chain.includes(provider)) return
  const remedy = meantOr(provider, chain, `use one of ${chain.join(', ')}, or add it to the fallbacks`)
  throw new UsageError(`no provider '${provider}' is in the chain`, remedy)
}

/** The same, with a chain of this provider alone. */
export function aloneIn(settings: Settings, provider: string): Settings {
  const alone = { FINCHAT_SECRETS_PROVIDER: provider, FINCHAT_SECRETS_FALLBACKS: '' }
  return { ...settings, variables: { ...settings.variables, ...alone } }
}

/** Also by a setting that needs the folder: the package says so. */
export function isAudited({ FINCHAT_AUDIT_LINE: line = 'false', ...others }: Environment): boolean {
  return !['', 'false'].includes(line) || trailVariables.some((variable) => Boolean(others[variable]))
}

const trailVariables = ['FOLDER', 'CHECKPOINTS', 'SEAL_NAMES', 'SEAL_NAMES_OF'].map((name) => `FINCHAT_AUDIT_${name}`)

function inTermsOfFile(error: unknown, file: string): unknown {
  if (!SecretsError.isInstance(error)) return error
  const remedy = error.remedy === undefined ? undefined : inWordsOfFile(error.remedy)
  const problem = error.problem.replace(/^the environment variables do/, `${basename(file)} and the environment variables do`)
  return new SecretsError(error.code, inWordsOfFile(problem), { remedy })
}
