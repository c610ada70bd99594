import { createSecretsManager, type SecretsManager, type SecretsManagerOptions } from '@finchat/secrets-core'
import { faultyProvider, type FaultPlan, memoryProvider } from '@finchat/secrets-testkit'
import { onTestFinished, vi } from 'vitest'
import { observeSecrets } from '../observe-secrets.ts'
import type { ObserveOptions } from '../options.ts'
import { startTelemetry, type Telemetry } from './telemetry.ts'

export const canary = 'c4n4ry of a metric'

/** A manager over one store, which a test makes fail, and what is observed of it. */
export interface Trial extends Telemetry {
  readonly secrets: SecretsManager
  readonly calls: () => number
  readonly stop: () => void
  plan: FaultPlan
}

export async function trial(options: ObserveOptions = {}, more: Partial<SecretsManagerOptions> = {}): Promise<Trial> {
  const telemetry = await startTelemetry()
  const { meter, tracer } = telemetry
  const store = memoryProvider({ name: 'store', secrets: { db: canary, other: canary } })
  const planned: { plan: FaultPlan } = { plan: () => undefined }
  const provider = faultyProvider(store, (call) => planned.plan(call))
  const { providers = [], ...rest } = more
  const secrets = createSecretsManager({
    providers: [provider, ...providers],
    cache: { ttlSeconds: 10, maxStaleSeconds: 600 },
    ...rest,
  })
  const stop = observeSecrets(secrets, { meter, tracer, ...options })
  onTestFinished(async () => {
    stop()
    await secrets.close()
  })
  return Object.assign(planned, { ...telemetry, secrets, calls: () => provider.calls(), stop })
}

/** Lets time pass by the wall clock alone: a scrape goes over real sockets. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}
