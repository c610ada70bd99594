import { closeUnused } from '../manager/shutdown.ts'
import { managerMembers, type SecretsManagerOptions } from '../manager/manager-options.ts'
import { createManagerWith } from '../manager/create-manager.ts'
import type { AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import { assertEnvironment, type Environment, envProvider, ownVariable } from './env-provider.ts'
import { type EnvironmentReader, environmentReader, listOf, type ProviderFromEnv } from './environment-reader.ts'
import { described, quoted } from '../errors/format.ts'
import { nearest } from '../errors/nearest.ts'
import { isRecord } from '../errors/own-properties.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { namesFromEnv } from './names-from-env.ts'
import { misspeltVariables, type VariablesRead, warnOfUnread } from './unread-variables.ts'
import { hintsOf, inVariables, type MappedStore } from './variable-hints.ts'

/** Makes an audit trail from variables, as `auditFromEnv` does; `undefined` if none asks for one. */
export type AuditFromEnv = (env: EnvironmentReader) => AuditTrail | undefined

/**
 * Options of `createSecretsManager` without the providers. `FINCHAT_SECRETS_CACHE_TTL` overrides
 * `cache.ttlSeconds`.
 */
export interface FromEnvOptions extends Omit<SecretsManagerOptions, 'providers' | 'audit'> {
  /** The variables: `process.env` by default. */
  readonly env?: Environment | undefined
  /** A trail, or `auditFromEnv` of `@finchat/secrets-audit`, which makes one from variables. */
  readonly audit?: AuditTrail | AuditFromEnv | undefined
}

/**
 * Returns a secrets manager that variables configure. `FINCHAT_SECRETS_PROVIDER` names the first
 * provider (`env` by default). `FINCHAT_SECRETS_FALLBACKS` lists the next ones, with commas (`env`
 * by default, none if empty). `FINCHAT_SECRETS_CACHE_TTL` is the TTL in whole seconds (300). `env`
 * is always available; pass the others in `available`, by name.
 *
 * Throws one `CONFIGURATION` error that lists every problem, without values, and misspelt settings
 * with the right names. Closes the trail that `audit` made before it throws. A process warning names
 * settings that are not read: those of a provider that was not chosen, and misspelt ones.
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
  const { env = process.env, cache, audit, ...rest } = knownOptions(options, fromEnvMembers)
  assertEnvironment(env)
  assertAvailable(available)
  const setUp: SetUp = { env, problems: [], asked: new Set(), stores: [] }
  const reader = environmentReader(env, (message) => setUp.problems.push(message), setUp.asked)
  const ownEnv: ProviderFromEnv = (variables) => envProvider({ env, ...namesFromEnv(variables, 'ENV') })
  const factories = new Map(Object.entries({ env: ownEnv, ...available }))
  for (const [name, factory] of Object.entries(available)) checkFactory(name, factory, setUp.problems)
  const choices = chosenProviders(reader, env)
  const providers = choices.flatMap((choice) => provided(choice, factories, setUp))
  const trail = trailOf(audit, reader, setUp)
  const read = { env, asked: setUp.asked, ours, available: factories, chosen: new Set(choices.map(({ name }) => name)) }
  try {
    const ttlSeconds = cacheTtl(reader)
    assertUsable(setUp, read)
    const cached = ttlSeconds === undefined ? cache : { ...cache, ttlSeconds }
    const manager = createManagerWith({ ...rest, providers, cache: cached, audit: trail }, hintsOf(setUp.stores))
    warnOfUnread(read)
    return manager
  } catch (error) {
    if (trail !== audit) closeUnused(trail)
    throw error
  }
}

const { providers: _, ...sharedMembers } = managerMembers
const fromEnvMembers: MembersOf<FromEnvOptions> = { ...sharedMembers, env: 'any' }

/** What is known while the parts are made. */
interface SetUp {
  readonly env: Environment
  readonly problems: string[]
  readonly asked: Set<string>
  readonly stores: MappedStore[]
}

function assertAvailable(available: unknown): void {
  if (isRecord(available)) return
  throw new SecretsError('CONFIGURATION', `the map of provider factories is ${described(available)}`, {
    remedy: 'pass { local: localFromEnv }',
  })
}

function assertUsable({ problems }: SetUp, read: VariablesRead): void {
  if (problems.length === 0) return
  const lines = [...new Set(problems), ...misspeltVariables(read)].map((problem) => `\n  ${problem}`)
  throw new SecretsError('CONFIGURATION', `the environment variables do not configure a secrets manager:${lines.join('')}`)
}

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
  ssm: 'aws-ssm',
  mounted: 'file',
  age: 'file/age',
  sops: 'file/sops',
  kubernetes: 'kubernetes',
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
  const known = [...new Set([...factories.keys(), ...ours])]
  const meant = nearest(name, known)
  const problem =
    variable === 'FINCHAT_SECRETS_FALLBACKS'
      ? `${variable} must be a list of ${known.join(', ')}; leave it empty for none`
      : `${variable} must name one provider: ${known.join(', ')}; those to ask next go into FINCHAT_SECRETS_FALLBACKS`
  return meant === undefined ? problem : `${problem}; did you mean ${meant}?`
}

function installing(name: string): string {
  const [own = '', entry] = (entries[name] ?? '').split('/')
  const from = entry === undefined ? 'its' : `the /${entry} entry's`
  return `install @finchat/secrets-provider-${own} and pass ${from} ${name}FromEnv`
}

function provided(choice: Choice, factories: ReadonlyMap<string, unknown>, setUp: SetUp): SecretProvider[] {
  const { name } = choice
  const factory = factories.get(name)
  if (factory === undefined) setUp.problems.push(notAvailable(choice, factories))
  if (typeof factory !== 'function') return []
  const asked = new Set<string>()
  const provider: SecretProvider | undefined = made(name, 'its provider', (reader) => factory(reader), { ...setUp, asked })
  for (const variable of asked) setUp.asked.add(variable)
  if (provider === undefined) return []
  if (ours.has(name)) checkFactoryName(name, provider.name, setUp.problems)
  if (name !== 'env') setUp.stores.push({ provider: provider.name, asked })
  return [provider]
}

/** A failure is a problem, unless the reader has reported one already. */
function made<T>(name: string, what: string, make: (reader: EnvironmentReader) => T, { env, problems, asked }: SetUp): T | undefined {
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
    return make(reader)
  } catch (error) {
    if (!isBlocked)
      problems.push(
        `${name}: ${SecretsError.isInstance(error) ? inVariables(error.message, { asked }) : `${what} could not be made from the variables`}`,
      )
    return undefined
  }
}

/** They ask for a record of each access, which nothing else would make. */
const auditVariables = ['FINCHAT_AUDIT_LINE', 'FINCHAT_AUDIT_FOLDER']

function trailOf(audit: FromEnvOptions['audit'], { optional, problem }: EnvironmentReader, setUp: SetUp): AuditTrail | undefined {
  if (typeof audit === 'function') return made('audit', 'the trail', audit, setUp)
  if (audit !== undefined) return audit
  const unread = auditVariables.filter((variable) => ![undefined, 'false'].includes(optional(variable)))
  for (const variable of unread)
    problem(
      `${variable} is set, but nothing is audited: install @finchat/secrets-audit and pass its auditFromEnv, as secretsManagerFromEnv({ … }, { audit: auditFromEnv })`,
    )
  return undefined
}

function cacheTtl({ optional, problem }: EnvironmentReader): number | undefined {
  const text = optional('FINCHAT_SECRETS_CACHE_TTL')
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) problem('FINCHAT_SECRETS_CACHE_TTL must be a whole number of seconds, such as 300')
  return Number(text)
}
