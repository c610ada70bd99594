import type { Meter, Observable } from '@opentelemetry/api'

type Kind = 'counter' | 'gauge' | 'count'

export type MetricName =
  | 'cache.reads'
  | 'cache.stale_reads'
  | 'cache.joined_reads'
  | 'cache.refreshes'
  | 'cache.evictions'
  | 'cache.entry.count'
  | 'provider.degraded'
  | 'provider.circuit.open'
  | 'provider.check.failed'
  | 'provider.last_answer.age'
  | 'provider.stale.age'
  | 'health.age'
  | 'token.remaining'
  | 'token.utilization'
  | 'lease.remaining'
  | 'lease.utilization'
  | 'lease.count'
  | 'logins'
  | 'rotation.secret.count'
  | 'former_version.count'
  | 'audit.refused_records'
  | 'audit.failing'
  | 'shared_cache.reads'
  | 'shared_cache.failures'
  | 'shared_cache.ignored_entries'
  | 'shared_cache.cool_down'
  | 'shared_cache.other_key'
  | 'shared_cache.pending_invalidation.count'

/** Everything that is observed at a scrape: kind, unit (UCUM) and meaning. `count` may go down. */
export const catalogue: Readonly<Record<MetricName, readonly [Kind, unit: string, description: string]>> = {
  'cache.reads': ['counter', '{read}', 'Reads that memory answered (hit) or did not (miss)'],
  'cache.stale_reads': ['counter', '{read}', 'Reads that were answered with a stale value'],
  'cache.joined_reads': ['counter', '{read}', "Reads that waited for another reader's call"],
  'cache.refreshes': ['counter', '{refresh}', 'Background refreshes of values about to expire'],
  'cache.evictions': ['counter', '{entry}', 'Values that made room for others'],
  'cache.entry.count': ['count', '{entry}', 'Values in memory'],
  'provider.degraded': ['gauge', '1', '1: its answers are stale or come from a later provider'],
  'provider.circuit.open': ['gauge', '1', '1: its circuit breaker is open'],
  'provider.check.failed': ['gauge', '1', '1: the last checkHealth could not reach it'],
  'provider.last_answer.age': ['gauge', 's', 'Time since its store last answered a read of this process'],
  'provider.stale.age': ['gauge', 's', 'Age of the oldest value served as stale in the last minute, 0 without one'],
  'health.age': ['gauge', 's', 'Time since the last checkHealth'],
  'token.remaining': ['gauge', 's', 'Remaining life of the token, 0 without one'],
  'token.utilization': ['gauge', '1', "Part of the token's life that has passed, 0 without one"],
  'lease.remaining': ['gauge', 's', 'Remaining life of the lease in use that ends first, 0 without one'],
  'lease.utilization': ['gauge', '1', 'Part of the life of that lease that has passed, 0 without one'],
  'lease.count': ['count', '{lease}', 'Leases in use'],
  logins: ['counter', '{login}', 'Logins, renewals and leases of the provider, by outcome'],
  'rotation.secret.count': ['gauge', '{secret}', 'Secrets by the state of their rotation, at the last checkHealth'],
  'former_version.count': ['gauge', '{secret}', 'Secrets of which this process uses a former version'],
  'audit.refused_records': ['counter', '{record}', 'Records that an audit sink did not acknowledge'],
  'audit.failing': ['gauge', '1', '1: the audit sink does not acknowledge'],
  'shared_cache.reads': ['counter', '{read}', 'Reads of the shared cache: hit, miss or unavailable'],
  'shared_cache.failures': ['counter', '{call}', 'Calls to the server of the shared cache that failed'],
  'shared_cache.ignored_entries': ['counter', '{entry}', 'Entries of the shared cache that were found and not served'],
  'shared_cache.cool_down': ['gauge', '1', '1: the shared cache is not asked for a while'],
  'shared_cache.other_key': ['gauge', '1', '1: its namespace is in use with another key'],
  'shared_cache.pending_invalidation.count': ['count', '{invalidation}', 'Changes that the shared cache has not acknowledged'],
}

/** All metrics begin so. */
export const prefix = 'finchat.secrets.'

export type Instruments = Readonly<Record<MetricName, Observable>>

export function createInstruments(meter: Meter): Instruments {
  const made = Object.entries(catalogue).map(([name, [kind, unit, description]]) => [
    name,
    createOne(meter, kind, prefix + name, { unit, description }),
  ])
  return Object.fromEntries(made) as Instruments // the same names
}

function createOne(meter: Meter, kind: Kind, name: string, options: { unit: string; description: string }): Observable {
  if (kind === 'counter') return meter.createObservableCounter(name, options)
  return kind === 'gauge' ? meter.createObservableGauge(name, options) : meter.createObservableUpDownCounter(name, options)
}
