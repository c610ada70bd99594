import type { SecretProvider } from '../contract/provider.ts'
import { assertEnvironment, type Environment, envProvider, ownVariable } from './env-provider.ts'
import { type EnvironmentReader, environmentReader, listOf, type ProviderFromEnv } from './environment-reader.ts'
import { described, quoted } from '../errors/format.ts'
import { isRecord } from '../errors/own-properties.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { managerMembers, type SecretsManagerOptions } from '../manager/manager-options.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { warnOfUnread } from './unread-variables.ts'

/**
 * Options of `createSecretsManager` without the providers. `FINCHAT_SECRETS_CACHE_TTL` overrides
 * `cache.ttlSeconds`.
 */
export interface FromEnvOptions extends Omit<SecretsManagerOptions, 'providers'> {
  /** The variables: `process.env` by default. */
  readonly env?: Environment | undefined
}

/**
 * Returns a secrets manager that variables configure. `FINCHAT_SECRETS_PROVIDER` names the first
 * provider (`env` by default). `FINCHAT_SECRETS_FALLBACKS` lists the next ones, with commas (`env`
 * by default, none if empty). `FINCHAT_SECRETS_CACHE_TTL` is the TTL in whole seconds (300). `env`
 * is always available; pass the others in `available`, by name.
 *
 * Throws one `CONFIGURATION` error that lists every problem, without values. A process warning
 * names settings that are not read: those of a provider that was not chosen, and misspelt ones.
 *
 * @example
 * import { secretsManagerFromEnv } from '@finchat/secrets-core'
 *
 * // in an application: secretsManagerFromEnv({ aws: awsFromEnv, vault: vaultFromEnv, local: localFromEnv })
 * const secrets = secretsManagerFromEnv({}, { env: { FINCHAT_TOKEN: 'dev-token' } })
 * console.log(await secrets.getSecret('FINCHAT_TOKEN')) // dev-token
 */
export function secretsManagerFromEnv(
  available: Readonly<Record<string, ProviderFromEnv>> = {},
  options: FromEnvOptions = {},
): SecretsManager {
  const { env = process.env, cache, ...rest } = knownOptions(options, fromEnvMembers)
  assertEnvironment(env)
  if (!isRecord(available)) {
    throw new SecretsError('CONFIGURATION', `the map of provider factories is ${described(available)}`, {
      remedy: 'pass { local: localFromEnv }',
    })
  }
  const problems: string[] = []
  const asked = new Set<string>()
  const reader = environmentReader(env, (message) => problems.push(message), asked)
  const factories = new Map(Object.entries({ env: () => envProvider({ env }), ...available }))
  for (const [name, factory] of Object.entries(available)) checkFactory(name, factory, problems)
  const choices = chosenProviders(reader, env)
  const providers = choices.flatMap((choice) => {
    const factory = factories.get(choice.name)
    if (factory === undefined) problems.push(notAvailable(choice, factories))
    return factory === undefined ? [] : made(choice.name, factory, env, problems, asked)
  })
  const ttlSeconds = cacheTtl(reader)
  if (problems.length === 0) {
    const manager = createSecretsManager({ ...rest, providers, cache: ttlSeconds === undefined ? cache : { ...cache, ttlSeconds } })
    warnOfUnread({ env, asked, ours, available: factories, chosen: new Set(choices.map(({ name }) => name)) })
    return manager
  }
  throw new SecretsError(
    'CONFIGURATION',
    `the environment variables do not configure a secrets manager:${[...new Set(problems)].map((problem) => `\n  ${problem}`).join('')}`,
  )
}

const { providers: _, ...sharedMembers } = managerMembers
const fromEnvMembers: MembersOf<FromEnvOptions> = { ...sharedMembers, env: 'any' }

interface Choice {
  readonly name: string
  /** The variable that chose it. */
  readonly variable: string
}

function chosenProviders({ optional }: EnvironmentReader, env: Environment): Choice[] {
  const first = { name: optional('FINCHAT_SECRETS_PROVIDER') ?? 'env', variable: 'FINCHAT_SECRETS_PROVIDER' }
  // An empty list means no fallbacks.
  const fallbacks = optional('FINCHAT_SECRETS_FALLBACKS') ?? ownVariable(env, 'FINCHAT_SECRETS_FALLBACKS') ?? 'env'
  const choices = [first, ...listOf(fallbacks).map((name) => ({ name, variable: 'FINCHAT_SECRETS_FALLBACKS' }))]
  return choices.filter(({ name }, index) => choices.findIndex((choice) => choice.name === name) === index)
}

/** Where our factories are, behind `@finchat/secrets-provider-`: a package, and its entry. */
const entries: Readonly<Record<string, string>> = {
  aws: 'aws',
  vault: 'vault',
  local: 'local',
  mounted: 'file',
  age: 'file/age',
  sops: 'file/sops',
}
const ours: ReadonlySet<string> = new Set(Object.keys(entries))

function checkFactory(name: string, factory: unknown, problems: string[]): void {
  if (typeof factory === 'function') return checkFactoryName(name, /^(.+)FromEnv$/.exec(factory.name)?.[1] ?? name, problems)
  if (factory === undefined) return
  const remedy = ours.has(name)
    ? `pass ${name}FromEnv itself, without calling it`
    : name === 'env'
      ? 'pass the variables as an option, secretsManagerFromEnv({}, { env })'
      : 'pass a function that makes the provider of the variables'
  problems.push(`${name} is ${described(factory)}: ${remedy}`)
}

/** One of our factories under another name would be asked in its place, or never. */
function checkFactoryName(name: string, own: string, problems: string[]): void {
  if (own !== name && ours.has(own)) problems.push(`${quoted(name)} makes the provider ${own}: pass { ${own}: ${own}FromEnv }`)
}

function notAvailable({ name, variable }: Choice, factories: ReadonlyMap<string, unknown>): string {
  if (ours.has(name)) return `${variable} names ${name}: ${installing(name)}, as secretsManagerFromEnv({ ${name}: ${name}FromEnv })`
  const known = [...new Set([...factories.keys(), ...ours])].join(', ')
  return variable === 'FINCHAT_SECRETS_FALLBACKS'
    ? `${variable} must be a list of ${known}`
    : `${variable} must name one provider: ${known}; those to ask next go into FINCHAT_SECRETS_FALLBACKS`
}

function installing(name: string): string {
  const [own = '', entry] = (entries[name] ?? '').split('/')
  const from = entry === undefined ? 'its' : `the /${entry} entry's`
  return `install @finchat/secrets-provider-${own} and pass ${from} ${name}FromEnv`
}

/** A failure is a problem, unless the reader has reported one already. */
function made(name: string, factory: unknown, env: Environment, problems: string[], asked: Set<string>): SecretProvider[] {
  if (typeof factory !== 'function') return []
  let isBlocked = false
  const reader = environmentReader(
    env,
    (message, blocks) => {
      problems.push(message)
      isBlocked ||= blocks
    },
    asked,
  )
  try {
    const provider: SecretProvider = factory(reader)
    if (ours.has(name)) checkFactoryName(name, provider.name, problems)
    return [provider]
  } catch (error) {
    if (!isBlocked)
      problems.push(`${name}: ${SecretsError.isInstance(error) ? error.message : 'its provider could not be made from the variables'}`)
    return []
  }
}

function cacheTtl({ optional, problem }: EnvironmentReader): number | undefined {
  const text = optional('FINCHAT_SECRETS_CACHE_TTL')
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) problem('FINCHAT_SECRETS_CACHE_TTL must be a whole number of seconds, such as 300')
  return Number(text)
}
