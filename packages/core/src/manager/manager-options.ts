import { longestTimerMs } from '../guard/deadline.ts'
import type { AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { described, quoted } from '../errors/format.ts'
import { isRecord, own } from '../errors/own-properties.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import type { SecretAlias } from '../chain/aliases.ts'
import { type FallbackPolicy, knownFallbackPolicy } from '../chain/fallback-policy.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Options of a manager's cache. */
export interface CacheOptions {
  /**
   * How long an answer is fresh, in seconds, shortened by a random fifth. Default: 300. With 0
   * every read asks the store.
   */
  readonly ttlSeconds?: number | undefined
  /**
   * How long a value may be served after that while its store is unreachable, in seconds. Default:
   * 300.
   */
  readonly maxStaleSeconds?: number | undefined
  /** Values in memory for each provider, whatever their size in bytes. Default: 1,000. */
  readonly maxEntries?: number | undefined
  /** A second-level cache that a fleet shares. */
  readonly shared?: SharedCache | undefined
  /**
   * With `shared`: how often the in-memory cache probes the shared cache, in seconds, shortened by
   * a random fifth. Default: 5.
   */
  readonly recheckSeconds?: number | undefined
  /**
   * With `shared`: take only what this process's own provider answered within the last hour, so
   * that no process lends another its rights. Default: false.
   */
  readonly requireOwnAccess?: boolean | undefined
}

/** Options of `createSecretsManager`. */
export interface SecretsManagerOptions {
  /** The chain, asked in this order. */
  readonly providers: readonly SecretProvider[]
  readonly cache?: CacheOptions | undefined
  /** No value leaves, and nothing is written, before the trail acknowledges the event. */
  readonly audit?: AuditTrail | undefined
  /**
   * Other names for secrets, or for their fields: `{ DB_USER: { name: 'db', field: 'username' } }`.
   * Every call takes them, and its record has the alias. An alias hides a secret of the same name.
   */
  readonly aliases?: Readonly<Record<string, SecretAlias>> | undefined
  /** Overrides rows of the fallback policy. Each override gives up what its row protects. */
  readonly fallback?: FallbackPolicy | undefined
  /** The provider of new secrets. Default: the first one that can write. */
  readonly writeTo?: string | undefined
  /**
   * How long one call to a provider, the shared cache or the audit trail may take, in milliseconds.
   * Default: 5,000.
   */
  readonly deadlineMs?: number | undefined
  /** Keep no value that is handed out, unless a read says otherwise. Default: false. */
  readonly autoCleanup?: boolean | undefined
}

const cacheMembers: MembersOf<CacheOptions> = {
  ttlSeconds: 'any',
  maxStaleSeconds: 'any',
  maxEntries: 'any',
  shared: 'any',
  recheckSeconds: 'any',
  requireOwnAccess: 'boolean',
}
export const managerMembers: MembersOf<SecretsManagerOptions> = {
  providers: 'any',
  cache: 'any',
  audit: 'any',
  aliases: 'any',
  fallback: 'any',
  writeTo: 'string',
  deadlineMs: 'any',
  autoCleanup: 'boolean',
}

export interface Settings {
  readonly ttlMs: number
  readonly maxStaleMs: number
  readonly maxEntries: number
  readonly recheckMs: number
  readonly requireOwnAccess: boolean
  readonly deadlineMs: number
  readonly autoCleanup: boolean
}

/** Throws `CONFIGURATION` for an unknown option. */
export function knownManagerOptions(options: SecretsManagerOptions): SecretsManagerOptions {
  const { cache = {}, fallback, ...rest } = knownOptions(options, managerMembers)
  if (!isRecord(cache)) throw wrong(`cache is ${described(cache)}`, 'pass an object, such as { ttlSeconds: 60 }')
  return { ...rest, fallback: knownFallbackPolicy(fallback), cache: knownOptions(cache, cacheMembers) }
}

/** Throws `CONFIGURATION` for what would fail later or silently. */
export function settingsOf(options: SecretsManagerOptions): Settings {
  const { cache = {}, deadlineMs = 5_000, autoCleanup = false } = options
  const { ttlSeconds = 300, maxStaleSeconds = 300, maxEntries = 1_000, recheckSeconds = 5, requireOwnAccess = false } = cache
  assertProviders(options.providers)
  assertNumber('cache.ttlSeconds', ttlSeconds, 0)
  assertNumber('cache.maxStaleSeconds', maxStaleSeconds, 0)
  assertNumber('cache.maxEntries', maxEntries, 1)
  if (!Number.isInteger(maxEntries)) throw wrong(`cache.maxEntries is ${maxEntries}`, 'pass a whole number')
  assertNumber('cache.recheckSeconds', recheckSeconds, 0)
  assertNumber('deadlineMs', deadlineMs, 1, longestTimerMs)
  if (options.writeTo !== undefined) assertWritable(options.writeTo, options.providers)
  if (cache.shared !== undefined) assertSpecification('cache.shared', cache.shared)
  if (options.audit !== undefined) assertTrail(options.audit)
  return {
    ttlMs: ttlSeconds * 1000,
    maxStaleMs: maxStaleSeconds * 1000,
    maxEntries,
    recheckMs: recheckSeconds * 1000,
    requireOwnAccess,
    deadlineMs,
    autoCleanup,
  }
}

function assertProviders(providers: readonly SecretProvider[]): void {
  if (!Array.isArray(providers))
    throw wrong(`providers is ${described(providers)}, not an array`, 'pass an array of providers, such as [envProvider()]')
  if (providers.length === 0) throw wrong('providers is empty', 'pass at least one, such as envProvider()')
  const names = new Set<string>()
  for (const [index, provider] of providers.entries()) {
    assertProvider(`providers[${index}]`, provider)
    if (names.has(provider.name))
      throw wrong(`two providers are named ${quoted(provider.name)}`, "give one of them another name: { name: '…' }")
    names.add(provider.name)
  }
}

function assertProvider(place: string, provider: SecretProvider): void {
  assertSpecification(place, provider)
  // A class's prototype members would be lost in wrapping.
  if (!Object.hasOwn(provider, 'get') || typeof provider.get !== 'function') {
    throw wrong(`${place} has no get() of its own`, 'make it a plain object; a provider is no class')
  }
  if (typeof provider.name !== 'string' || !/^[\w.:-]{1,64}$/.test(provider.name)) {
    throw wrong(`${place} has no usable name`, 'give it 1 to 64 letters, digits or . : _ -')
  }
  for (const member of ['sharedAs', 'graceSharedAs'] as const) {
    const given: unknown = own(provider, member)
    if (given === undefined || (typeof given === 'string' && given !== '')) continue
    throw wrong(`${place} has ${described(given)} for ${member}`, 'pass a text that names the store, or leave it out')
  }
}

function assertSpecification(name: string, contract: { readonly specificationVersion: string } | null | undefined): void {
  if (contract?.specificationVersion === 'v1') return
  throw wrong(
    `${name} does not follow specification v1`,
    'pass what a factory returned (envProvider(), keyvCache(), auditTrail()), or upgrade @finchat/secrets-core',
  )
}

/** A sink would refuse every read without saying why. */
function assertTrail(audit: AuditTrail): void {
  assertSpecification('audit', audit)
  if (typeof audit.record !== 'function') throw wrong('audit is no trail', 'make one of a sink: auditTrail({ sinks: [it] })')
}

function assertWritable(writeTo: string, providers: readonly SecretProvider[]): void {
  const provider = providers.find(({ name }) => name === writeTo)
  if (provider === undefined) throw wrong(`writeTo names ${quoted(writeTo)}, which is no provider here`, 'name one of the chain')
  if (own(provider, 'put') === undefined) throw wrong(`writeTo names ${quoted(writeTo)}, which cannot be written`, 'name one that can')
}

function assertNumber(name: string, value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  throw wrong(
    `${name} is ${typeof value === 'number' ? value : described(value)}`,
    `pass a number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`,
  )
}

function wrong(problem: string, remedy: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy })
}

const providerCalls =
  'locate keepsFields getVersion getMany describe list put tag delete restore probe changes checkHealth credentialStatus close'.split(' ')
const neededCalls = ['read', 'fill', 'invalidate']

/** A member that is no function would later look like an outage. */
export function assertProviderCalls(provider: { readonly name: string }): void {
  for (const call of providerCalls) assertCall(`the provider '${provider.name}'`, provider, call, false)
}

export function assertCacheCalls(shared: object): void {
  for (const call of [...neededCalls, 'subscribe', 'stats', 'close']) assertCall('cache.shared', shared, call, neededCalls.includes(call))
}

function assertCall(name: string, part: object, call: string, isNeeded: boolean): void {
  const member = own(part, call)
  if (typeof member === 'function' || (member === undefined && !isNeeded)) return
  throw new SecretsError('CONFIGURATION', `${name} has ${described(member)} for ${call}()`, {
    remedy: isNeeded ? 'pass a function' : 'pass a function, or leave it out',
  })
}
