import { metrics, trace } from '@opentelemetry/api'
import type { SecretsManager } from '@finchat/secrets-core'
import { managerStatus } from '@finchat/secrets-core/live'
import { jittered } from '@finchat/secrets-core/provider'
import { measure } from './metrics/measure.ts'
import { observeAt, type Source } from './metrics/registry.ts'
import { observeOperations } from './observe-operations.ts'
import { checkedOptions, type ObserveOptions } from './options.ts'
import { attribute } from './shared/attributes.ts'
import type { NameText } from './shared/names.ts'
import { quietly } from './shared/quietly.ts'

const scope = '@finchat/secrets-otel'

/**
 * Observes a manager with OpenTelemetry: a span and a duration for each operation that memory did not
 * answer, and counters and gauges that a scrape reads without a call to a store. A read that memory
 * answers takes as long as before, and is counted. Start the SDK first: a meter that is taken before
 * it records nothing.
 *
 * No value is ever shown, and names of secrets only as `names` says. A failure of telemetry fails
 * no read.
 *
 * Returns the function that ends it. Then, and after `close()` of the manager, its gauges are 0, and
 * its name is free. Throws `CONFIGURATION` for invalid options, and for a second open manager under
 * the same name.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 * import { observeSecrets } from '@finchat/secrets-otel'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: 'hunter2' } })] })
 * const stop = observeSecrets(secrets) // by the global meter and tracer
 * console.log(await secrets.getSecret('FINCHAT_TOKEN')) // hunter2
 * await secrets.close()
 * stop() // after `close()`: what ends meanwhile is counted
 */
export function observeSecrets(secrets: SecretsManager, options: ObserveOptions = {}): () => void {
  const { manager: name, nameText, checkHealthSeconds, ...given } = checkedOptions(options)
  const { manager } = managerStatus(secrets)
  const { meter = metrics.getMeter(scope), tracer = trace.getTracer(scope) } = given
  const ends: (() => void)[] = []
  const stop = (): void => {
    for (const end of ends.splice(0)) quietly(end)
  }
  try {
    ends.push(observeAt(meter, name, { parts: partsOf(secrets, nameText), end: stop }))
    ends.push(observeOperations({ manager, meter, tracer, nameText, common: { [attribute.manager]: name } }))
    ends.push(checkRegularly(secrets, checkHealthSeconds, stop))
  } catch (error) {
    stop()
    throw error
  }
  return stop
}

/** A closed manager measures nothing any more. */
function partsOf(secrets: SecretsManager, nameText: NameText): Source['parts'] {
  return () => {
    const status = managerStatus(secrets)
    return status.isOpen ? measure({ status, caches: secrets.cacheStats().providers, nameText, now: Date.now() }) : undefined
  }
}

function checkRegularly(secrets: SecretsManager, seconds: number | undefined, stop: () => void): () => void {
  if (seconds === undefined) return () => {}
  let timer: NodeJS.Timeout
  const check = (): void => {
    if (!managerStatus(secrets).isOpen) return stop()
    secrets.checkHealth().catch(() => {}) // the report says what failed
    timer = setTimeout(check, jittered(seconds * 1000)).unref()
  }
  check()
  return () => clearTimeout(timer)
}
