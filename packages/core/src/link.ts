import type { TracingChannel } from 'node:diagnostics_channel'

import type { Bounds } from './bounded.ts'
import { CachedStore } from './cached-store.ts'
import { Circuit } from './circuit.ts'
import type { SecretProvider, SharedCache } from './contract.ts'
import { guard } from './guard.ts'
import type { Settings } from './manager-options.ts'
import { Outage } from './outage.ts'
import { SharedLevel } from './shared-level.ts'
import type { Shredder } from './shredder.ts'
import type { TraceMessage } from './tracing.ts'

/** One provider of a chain, with the cache of its store. */
export interface Link {
  /** Guarded: every call ends, and rejects with a `SecretsError`. */
  readonly provider: SecretProvider
  readonly store: CachedStore
  readonly outage: Outage
}

export interface LinkParts {
  readonly shared: SharedCache | undefined
  readonly settings: Settings
  readonly bounds: Bounds
  readonly shredder: Shredder
  readonly refreshes: TracingChannel<TraceMessage>
}

/** Guards the provider, and puts a cache of its own before it. */
export function linkOf(provider: SecretProvider, { shared, settings, bounds, shredder, refreshes }: LinkParts): Link {
  const outage = new Outage(provider.name)
  const guarded = guard(provider, { ...bounds, circuit: new Circuit(), outage })
  const { sharedAs } = provider
  const level = shared === undefined || sharedAs === undefined ? undefined : new SharedLevel(shared, sharedAs, { ...bounds, ttlMs: settings.ttlMs })
  const store = new CachedStore(guarded, { ...settings, shared: level, shredder, refreshes, closing: bounds.closing })
  return { provider: guarded, store, outage }
}
