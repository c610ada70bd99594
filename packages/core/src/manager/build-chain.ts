import type { RemedyHints } from '../chain/fallback-policy.ts'
import type { ChainEntry } from '../chain/routing.ts'
import { own, ownMembers } from '../errors/own-properties.ts'
import { type Bounds, untilAborted } from '../guard/deadline.ts'
import { ProviderCache } from '../cache/provider-cache.ts'
import { CircuitBreaker } from '../guard/circuit-breaker.ts'
import { assertCacheCalls, assertProviderCalls, type Settings } from './manager-options.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache, SharedFormers } from '../contract/shared-cache.ts'
import { wasClosed } from '../guard/use-count.ts'
import { sharedLifeMs } from '../cache/freshness.ts'
import { guard } from '../guard/guard.ts'
import { wrapProvider } from '../guard/wrap-provider.ts'
import { hasCode } from '../kit/error-code.ts'
import { OutageWarning, warnOperator } from '../guard/outage-warning.ts'
import { SecretsError, withDetails } from '../errors/secrets-error.ts'
import { SharedCacheClient } from '../cache/shared/shared-cache-client.ts'
import type { Zeroizer } from '../value/zeroizer.ts'
import { tellChange } from '../observe/own-changes.ts'
import type { Tracing } from '../observe/trace-channels.ts'

export interface ChainParts {
  readonly shared: SharedCache | undefined
  readonly settings: Settings
  readonly bounds: Bounds
  readonly closingFills: AbortSignal
  readonly zeroizer: Zeroizer
  readonly tracing: Pick<Tracing, 'manager' | 'refresh'>
  readonly hints?: RemedyHints | undefined
}

/** Providers with the same `sharedAs` read one store: a write through one concerns all. */
interface Siblings {
  readonly client: SharedCacheClient | undefined
  readonly stores: ProviderCache[]
}

export function chainEntriesOf(providers: readonly SecretProvider[], parts: ChainParts): readonly ChainEntry[] {
  for (const provider of providers) assertProviderCalls(provider)
  if (parts.shared !== undefined) {
    assertCacheCalls(parts.shared)
    warnIfUnused(providers)
  }
  const known = new Map<string, Siblings>()
  return providers.map((provider, index) => {
    const { sharedAs } = ownMembers(provider, ['sharedAs'])
    const siblings = (sharedAs === undefined ? undefined : known.get(sharedAs)) ?? siblingsOf(sharedAs, parts)
    if (sharedAs !== undefined) known.set(sharedAs, siblings)
    return chainEntryOf(provider, parts, siblings, index < providers.length - 1)
  })
}

/** A longer call may hang, so no read joins it. */
const patientPart = 1 / 4

export function chainEntryOf(
  provider: SecretProvider,
  parts: ChainParts,
  { client, stores }: Siblings = siblingsOf(ownMembers(provider, ['sharedAs']).sharedAs, parts),
  hasNext = false,
): ChainEntry {
  const storeId = ownMembers(provider, ['sharedAs']).sharedAs ?? provider
  const { settings, bounds, closingFills, zeroizer, tracing } = parts
  const outage = new OutageWarning(provider.name, hasNext)
  const patientMs = bounds.deadlineMs * patientPart
  const circuit = new CircuitBreaker({ probeMs: patientMs })
  const gaveUp = (path: string, landing: Promise<unknown>): void => {
    const dropped = dropAfter(untilAborted(landing, closingFills), store, path)
      .catch(() => {})
      .then(() => tellChange(storeId, path))
    client?.waitFor(dropped)
  }
  const guarded = guard(explained(provider, parts.hints), { ...bounds, circuit, outage, gaveUp })
  const store = new ProviderCache(guarded, {
    ...settings,
    patientMs,
    circuit,
    shared: client,
    siblings: stores,
    zeroizer,
    tracing,
    closing: bounds.closing,
  })
  stores.push(store)
  const formers = own(parts.shared, 'formers') as SharedFormers | undefined
  return { provider: guarded, store, outage, circuit, shared: client, storeId, formers, sharedHealth: () => client?.health }
}

/**
 * After `close`, ABORTED would blame the caller, so the error names the cause. Who has variables
 * alone has no option to correct, so remedies name the variable.
 */
function explained(provider: SecretProvider, hints: RemedyHints | undefined): SecretProvider {
  const isClosed = wasClosed(provider)
  if (!isClosed && hints === undefined) return provider
  return wrapProvider(provider, async ({ context }, next) => {
    try {
      return await next(context)
    } catch (error) {
      if (isClosed && !context.signal.aborted && hasCode(error, 'ABORTED')) throw closedBefore()
      if (hints === undefined || !SecretsError.isInstance(error)) throw error
      throw withDetails(error, { remedy: hints.own(provider.name, error.remedy) })
    }
  })
}

function closedBefore(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the provider was closed with the secrets manager that used it before', {
    remedy: 'make another provider for the new one',
  })
}

function siblingsOf(sharedAs: string | undefined, { shared, bounds, closingFills, settings }: ChainParts): Siblings {
  const isShared = shared !== undefined && sharedAs !== undefined
  const client = isShared
    ? new SharedCacheClient(shared, sharedAs, {
        ...bounds,
        closingFills,
        lifeMs: sharedLifeMs(settings.ttlMs),
        recheckMs: settings.recheckMs,
      })
    : undefined
  return { client, stores: [] }
}

/** Only a warning, since on a laptop no provider may share anything. */
function warnIfUnused(providers: readonly SecretProvider[]): void {
  if (providers.some((provider) => (own(provider, 'sharedAs') ?? own(provider, 'graceSharedAs')) !== undefined)) return
  warnOperator(
    'The shared cache of secrets is unused, since no provider has `sharedAs`. Add one that has it, such as awsProvider() or vaultProvider(), set it on your own provider, or leave out `cache.shared`',
    'FINCHAT_SECRETS_SHARED_CACHE',
  )
}

/** A change that was given up on may still be made. Rejects if it had no effect. */
async function dropAfter(landing: Promise<unknown>, store: ProviderCache, path: string): Promise<void> {
  const receipt = await landing.catch((error: unknown) => {
    if (!hasEffect(error)) throw error
  })
  const version = own(receipt, 'version')
  store.recordChange(path)
  await store.invalidate(path, typeof version === 'number' ? version : undefined)
}

function hasEffect(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.effect !== undefined
}
