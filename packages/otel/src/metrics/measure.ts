import type { Attributes } from '@opentelemetry/api'
import type { CacheStats, CredentialLife, CredentialStatus, HealthReport, SharedCacheStats } from '@finchat/secrets-core'
import type { ManagerStatus, ProviderStatus } from '@finchat/secrets-core/live'
import { attribute, errorType, word } from '../shared/attributes.ts'
import type { NameText } from '../shared/names.ts'
import type { MetricName } from './catalogue.ts'

/** One value of one series. */
export interface Measurement {
  readonly metric: MetricName
  readonly value: number
  readonly attributes: Attributes
}

export interface Measured {
  readonly status: ManagerStatus
  readonly caches: CacheStats['providers']
  readonly nameText: NameText
  /** Epoch milliseconds. */
  readonly now: number
}

/** Measures one part of a manager. */
export type Part = () => readonly Measurement[]

/** What tells a series from others. */
export function keyOf({ metric, attributes }: Pick<Measurement, 'metric' | 'attributes'>): string {
  return JSON.stringify([metric, attributes])
}

/**
 * Everything that a scrape shows of a manager. It asks no store. Reports of an author's provider,
 * shared cache or audit trail may be malformed, so each is measured by itself.
 */
export function measure({ status, caches, nameText, now }: Measured): readonly Part[] {
  const { providers, shared, sinks, health } = status
  return [
    () => Object.entries(caches).flatMap(([provider, counts]) => ofCache(provider, counts)),
    ...Object.entries(providers).flatMap(([provider, each]) => ofProvider(provider, each, now)),
    () => ofHealth(health, nameText, now),
    () => counted('former_version.count', status.usingFormer, nameText),
    ...Object.entries(sinks ?? {}).map(([sink, { refused, isFailing, isRequired }]) => () => {
      const attributes = { [attribute.sink]: sink, [attribute.required]: isRequired }
      return [one('audit.refused_records', refused, attributes), one('audit.failing', Number(isFailing), attributes)]
    }),
    () => (shared === undefined ? [] : ofSharedCache(shared)),
  ]
}

function one(metric: MetricName, value: number, attributes: Attributes = {}): Measurement {
  return { metric, value, attributes }
}

function ofCache(provider: string, counts: CacheStats['providers'][string]): readonly Measurement[] {
  const of = { [attribute.provider]: provider }
  return [
    one('cache.reads', counts.hits, { ...of, [attribute.result]: 'hit' }),
    one('cache.reads', counts.misses, { ...of, [attribute.result]: 'miss' }),
    one('cache.stale_reads', counts.staleAnswers, of),
    one('cache.joined_reads', counts.flightsJoined, of),
    one('cache.refreshes', counts.refreshes, of),
    one('cache.evictions', counts.evictions, of),
    one('cache.entry.count', counts.entries, of),
  ]
}

function ofProvider(provider: string, status: ProviderStatus, now: number): readonly Part[] {
  const { isDegraded, isCircuitOpen, answeredAt, staleSince = now, credential } = status
  const of = { [attribute.provider]: provider }
  return [
    () => [
      one('provider.degraded', Number(isDegraded), of),
      one('provider.circuit.open', Number(isCircuitOpen), of),
      one('provider.stale.age', secondsSince(staleSince, now), of),
      ...(answeredAt === undefined ? [] : [one('provider.last_answer.age', secondsSince(answeredAt, now), of)]),
    ],
    () => (credential === undefined ? [] : ofCredential(credential, of, now)),
  ]
}

function ofCredential({ token, lease, leases, logins }: CredentialStatus, of: Attributes, now: number): readonly Measurement[] {
  return [
    ...ofLife('token', token, of, now),
    ...ofLife('lease', lease, of, now),
    one('lease.count', leases, of),
    ...logins.map(({ operation, code, count }) => {
      const outcome = code === undefined ? {} : { [attribute.error]: errorType(code) }
      return one('logins', count, { ...of, [attribute.login]: word(operation), ...outcome })
    }),
  ]
}

/** A token is renewed after two thirds of its life, and a lease after four fifths: nearly all of it is a fault. */
function ofLife(kind: 'token' | 'lease', life: CredentialLife | undefined, of: Attributes, now: number): readonly Measurement[] {
  const remaining = life === undefined ? 0 : secondsSince(now, life.expiresAt)
  const passed = life === undefined ? 0 : Math.min(1, Math.max(0, 1 - (remaining * 1000) / life.grantedMs))
  return [one(`${kind}.remaining`, remaining, of), one(`${kind}.utilization`, passed, of)]
}

function ofHealth(health: HealthReport | undefined, nameText: NameText, now: number): readonly Measurement[] {
  if (health === undefined) return []
  const providers = Object.entries(health.providers).flatMap(([provider, { status }]) =>
    status === 'unchecked' ? [] : [one('provider.check.failed', Number(status === 'failed'), { [attribute.provider]: provider })],
  )
  return [one('health.age', secondsSince(health.checkedAt, now)), ...providers, ...ofRotations(health.rotations, nameText)]
}

const rotationStates = ['ok', 'due', 'overdue', 'unknown'] as const

function ofRotations(rotations: HealthReport['rotations'], nameText: NameText): readonly Measurement[] {
  if (rotations === undefined) return []
  return rotationStates.flatMap((state) => {
    const names = Object.entries(rotations).flatMap(([name, { status }]) => (status === state ? [name] : []))
    return counted('rotation.secret.count', names, nameText, { [attribute.rotation]: state })
  })
}

/** How many there are, or one series for each of them where names are shown. */
function counted(metric: MetricName, names: readonly string[], nameText: NameText, of: Attributes = {}): readonly Measurement[] {
  const shown = names.flatMap((name) => nameText(name) ?? [])
  if (shown.length === 0) return [one(metric, names.length, of)]
  return shown.map((name) => one(metric, 1, { ...of, [attribute.secret]: name }))
}

function ofSharedCache({ isCoolingDown, pendingInvalidations, stats }: NonNullable<ManagerStatus['shared']>): readonly Measurement[] {
  return [
    one('shared_cache.cool_down', Number(isCoolingDown)),
    one('shared_cache.pending_invalidation.count', pendingInvalidations),
    ...(stats === undefined ? [] : ofSharedStats(stats)),
  ]
}

function ofSharedStats({ hits, misses, unavailable, failures, ignored, hasOtherKey }: SharedCacheStats): readonly Measurement[] {
  const byReason = (metric: MetricName, counts: Readonly<Record<string, number>>, key: string): readonly Measurement[] =>
    Object.entries(counts).map(([reason, count]) => one(metric, count, { [key]: word(reason) }))
  return [
    ...byReason('shared_cache.reads', { hit: hits, miss: misses, unavailable }, attribute.result),
    ...byReason('shared_cache.failures', failures, attribute.error),
    ...byReason('shared_cache.ignored_entries', ignored, attribute.reason),
    one('shared_cache.other_key', Number(hasOtherKey === true)),
  ]
}

/** Never negative: a clock may have been set back. */
function secondsSince(from: number, to: number): number {
  return Math.max(0, to - from) / 1000
}
