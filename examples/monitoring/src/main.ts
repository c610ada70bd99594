// `npm start`: a service whose store goes down and comes back, and what Prometheus scrapes from it.
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { observeSecrets } from '@finchat/secrets-otel'
import { startService } from './service.ts'
import { breakableStore, names } from './store.ts'
import { startTelemetry } from './telemetry.ts'

const shown = ['provider_degraded', 'provider_circuit_open', 'provider_stale_age', 'cache_stale_reads_total', 'fallbacks_total']

/** Reads each secret in turn, 40 times a second, as requests would. */
function startReads(secrets: SecretsManager): () => Promise<{ readonly reads: number; readonly failed: number }> {
  const ending = new AbortController()
  let [reads, failed] = [0, 0]
  const all = (async () => {
    while (!ending.signal.aborted) {
      await secrets.getSecret(String(names[(reads += 1) % names.length])).catch(() => (failed += 1))
      await sleep(25)
    }
  })()
  return async () => {
    ending.abort()
    await all
    return { reads, failed }
  }
}

/** The value of a metric of the store, as a scrape shows it; 0 before there is one. */
function valueIn(text: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`finchat_secrets_${name}{`) && line.includes('provider_name="vault"'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function show(url: string, title: string): Promise<void> {
  const text = await (await fetch(`${url}/metrics`)).text()
  console.log(`\n${title}`)
  for (const name of shown) console.log(`   finchat_secrets_${name.padEnd(28)} ${Math.round(valueIn(text, name))}`)
}

async function untilClosed(url: string): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    if (valueIn(text, 'provider_circuit_open') === 0) return
    await sleep(100)
  }
}

const telemetry = startTelemetry()
const store = breakableStore()
// Shorter than a service would have them, so that half a minute shows it all.
const secrets = createSecretsManager({ providers: [store.provider], cache: { ttlSeconds: 1, maxStaleSeconds: 60 } })
const stopObserving = observeSecrets(secrets)
const service = await startService(secrets, telemetry, names)
process.removeAllListeners('warning') // the outage is shown by its metrics
const endReads = startReads(secrets)

console.log(`A service reads 8 secrets, and Prometheus scrapes ${service.url}/metrics`)
await sleep(1_500)
await show(service.url, 'All is well')
store.isDown = true
await sleep(4_000)
await show(service.url, 'The store is down: stale values stand in')
store.isDown = false
await untilClosed(service.url)
await sleep(1_500)
await show(service.url, 'The store is back: degraded for a minute more')
const { reads, failed } = await endReads()
console.log(`\n${reads} reads, ${failed} failed`)

await secrets.close()
stopObserving() // after `close()`: what ends meanwhile is counted
await service.stop()
await telemetry.stop()
