import { SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { timeoutMs } from '@finchat/secrets-example-fallback-chain/manager'
import { expect } from 'vitest'

/** Less than a deadline: a call that took no longer has not waited for a store that hangs. */
const slackMs = 1_500

/** Who answers a read, and how good the answer is, such as `vault, degraded`. */
export async function answer(secrets: SecretsManager, name: string): Promise<string> {
  const value = await secrets.getSecretValue(name)
  expect(value.reveal()).toBe(value.provider)
  return [value.provider, ...(value.stale ? ['stale'] : []), ...(value.degraded ? ['degraded'] : [])].join(', ')
}

/**
 * What each provider said of a secret that cannot be had, such as
 * `UNAVAILABLE (aws: RATE_LIMITED, vault: NOT_FOUND)`.
 */
export async function whatEachSaid(secrets: SecretsManager, name: string): Promise<string> {
  const { code, attempts = [] } = await failure(secrets.getSecret(name))
  return `${code} (${attempts.map(({ provider, code: said }) => `${provider}: ${said}`).join(', ')})`
}

/** `ok` or a code for each provider. A report is remembered for 10 s. */
export async function healthOf(secrets: SecretsManager): Promise<Record<string, string>> {
  const { providers } = await secrets.checkHealth()
  return Object.fromEntries(Object.entries(providers).map(([name, health]) => [name, 'code' in health ? health.code : health.status]))
}

export async function failure(call: Promise<unknown>): Promise<SecretsError> {
  const [result] = await Promise.allSettled([call])
  if (result.status === 'rejected' && SecretsError.isInstance(result.reason)) return result.reason
  return expect.fail('the call did not reject with a SecretsError')
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await failure(call)).code
}

/** During an outage no call claims that a secret does not exist, or that a guess at it is wrong. */
export async function expectUnknown(secrets: SecretsManager, name: string): Promise<void> {
  const calls = [
    secrets.getSecretValue(name),
    secrets.getSecrets([name]),
    secrets.verifySecret(name, 'guess'),
    secrets.describeSecret(name),
    secrets.rotateSecret(name, 'value'),
    secrets.deleteSecret(name),
  ]
  expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'UNAVAILABLE'))
}

/** No call waits for a store that hangs. */
export async function expectAtOnce(run: () => Promise<unknown>): Promise<void> {
  expect(await tookMs(run)).toBeLessThan(slackMs)
}

/** Every store that hangs is waited for, side by side, until its deadline and no longer. */
export async function expectDeadlines(stores: number, run: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  expect(await tookMs(run)).toBeLessThan(stores * timeoutMs + slackMs)
  expect(performance.now() - startedAt).toBeGreaterThan(stores * timeoutMs - 100)
}

/** No store is waited for beyond its deadline. */
export async function expectAtMostDeadlines(stores: number, run: () => Promise<unknown>): Promise<void> {
  expect(await tookMs(run)).toBeLessThan(stores * timeoutMs + slackMs)
}

/** By a clock that stands still while a loaded machine does not let this process run. */
async function tookMs(run: () => Promise<unknown>): Promise<number> {
  const tickMs = 5
  let took = 0
  const clock = setInterval(() => (took += tickMs), tickMs)
  try {
    await run()
  } finally {
    clearInterval(clock)
  }
  return took
}

/** What a read waits for a provider that is in an outage: a quarter of the manager's deadline. */
const patienceMs = 1_250

/** A provider in an outage that hangs is waited for, but not until its deadline. */
export async function expectPatience(run: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  await expectAtMostPatience(1, run)
  expect(performance.now() - startedAt).toBeGreaterThan(patienceMs - 100)
}

export async function expectAtMostPatience(providers: number, run: () => Promise<unknown>): Promise<void> {
  expect(await tookMs(run)).toBeLessThan(providers * patienceMs + slackMs / 2)
}
