import type { PartHealth } from '../contract/audit.ts'
import type { CredentialStatus, SharedCacheStats, SinkStatus } from '../contract/status.ts'
import type { ChainEntry } from '../chain/routing.ts'
import { own } from '../errors/own-properties.ts'
import type { HealthReport } from '../manager/health.ts'
import { type ManagerParts, partsOf } from '../manager/parts.ts'
import { partsOfTrail } from '../manager/trail-health.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { knownProcessUsageOf } from '../usage/process-usage.ts'
import { knownHubOf } from './live-hub.ts'

/** What a manager knows of one of its providers. Times are epoch milliseconds. */
export interface ProviderStatus {
  /**
   * Its answers are stale or come from a later provider. False once it has answered and no call
   * failed for a minute.
   */
  readonly isDegraded: boolean
  /** The circuit breaker is open: nothing but a probe now and then reaches the store. */
  readonly isCircuitOpen: boolean
  /** When the store last answered a read of this process. */
  readonly answeredAt?: number | undefined
  /** When the oldest value was asked for that was served as stale in the last minute. */
  readonly staleSince?: number | undefined
  /** Absent if the provider does not tell. */
  readonly credential?: CredentialStatus | undefined
}

/** How a manager's shared cache does. */
export interface SharedCacheStatus {
  /** It is not asked for a while, after failures in a row. */
  readonly isCoolingDown: boolean
  /** Changes that it has not acknowledged yet: other processes may serve former values. */
  readonly pendingInvalidations: number
  /** Absent if the cache does not count. */
  readonly stats?: SharedCacheStats | undefined
}

/** What a manager knows at once, without a call to a store. */
export interface ManagerStatus {
  /** `close()` was not called. */
  readonly isOpen: boolean
  /** What the messages of its trace channels carry as `manager`. */
  readonly manager: symbol
  /** By name, in the order of the chain. */
  readonly providers: Readonly<Record<string, ProviderStatus>>
  /** Absent without a shared cache. */
  readonly shared?: SharedCacheStatus | undefined
  /** By name. Absent without an audit trail that tells. */
  readonly sinks?: Readonly<Record<string, PartHealth & SinkStatus>> | undefined
  /** The last report of `checkHealth`. Absent before the first one. */
  readonly health?: HealthReport | undefined
  /** Secrets of which this process uses a version that is known not to be the current one any more. */
  readonly usingFormer: readonly string[]
}

/**
 * Returns what a manager knows of its stores, its credentials, its shared cache and its audit trail.
 * It asks none of them, so that metrics may call it at each scrape. It holds names of secrets, never
 * a value. Throws `INVALID_ARGUMENT` for anything but a manager.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 * import { managerStatus } from '@finchat/secrets-core/live'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: 'hunter2' } })] })
 * await secrets.getSecret('FINCHAT_TOKEN')
 * const { env } = managerStatus(secrets).providers
 * console.log(env?.isDegraded, env?.answeredAt !== undefined) // false true
 */
export function managerStatus(secrets: SecretsManager): ManagerStatus {
  const parts = partsOf(secrets)
  const { chainEntries, observer, health } = parts
  const former = [...(knownHubOf(parts)?.usingFormer ?? []), ...(knownProcessUsageOf(parts)?.usingFormer ?? [])]
  return {
    isOpen: observer.isOpen,
    manager: observer.manager,
    providers: Object.fromEntries(chainEntries.map((chainEntry) => [chainEntry.provider.name, providerStatus(chainEntry)])),
    shared: sharedStatus(parts),
    sinks: sinksOf(observer.trail),
    health: health.last,
    usingFormer: [...new Set(former)],
  }
}

/** The parts with counts. Absent if there is none: a trail of an application may tell nothing of its sinks. */
function sinksOf(trail: ManagerParts['observer']['trail']): ManagerStatus['sinks'] {
  const sinks = Object.entries(partsOfTrail(trail) ?? {}).filter(
    (part): part is [string, PartHealth & SinkStatus] => part[1].refused !== undefined,
  )
  return sinks.length === 0 ? undefined : Object.fromEntries(sinks)
}

function providerStatus({ provider, store, outage, circuit }: ChainEntry): ProviderStatus {
  return {
    isDegraded: outage.isOn,
    isCircuitOpen: circuit.outage !== undefined,
    answeredAt: outage.answeredAt,
    staleSince: store.staleSince(),
    credential: reported(provider, 'credentialStatus'),
  }
}

function sharedStatus({ shared, chainEntries }: ManagerParts): SharedCacheStatus | undefined {
  if (shared === undefined) return undefined
  const clients = [...new Set(chainEntries.flatMap((chainEntry) => chainEntry.shared ?? []))]
  const statuses = clients.map(({ status }) => status)
  const stats = reported(shared, 'stats')
  return {
    isCoolingDown: stats?.isCoolingDown === true || statuses.some(({ isCoolingDown }) => isCoolingDown),
    pendingInvalidations: statuses.reduce((sum, { pendingInvalidations }) => sum + pendingInvalidations, 0),
    stats,
  }
}

/** What authors may add to their parts. */
interface Reports {
  readonly credentialStatus: CredentialStatus
  readonly stats: SharedCacheStats
}

/** Undefined without that member, and if it throws. */
function reported<Member extends keyof Reports>(part: unknown, member: Member): Reports[Member] | undefined {
  const report = own(part, member)
  try {
    return typeof report === 'function' ? (report() as Reports[Member]) : undefined // by the contract of this member
  } catch {
    return undefined
  }
}
