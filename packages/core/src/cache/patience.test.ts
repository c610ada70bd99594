import { describe, expect, it } from 'vitest'
import { SecretsError } from '../errors/secrets-error.ts'
import { cached, found, onCacheClock, pass, seen, slow, start } from '../testing/cache-trial.ts'
import { refusal } from '../testing/refusal.ts'

onCacheClock()

const down = new SecretsError('UNAVAILABLE', 'down')

/** A cache over a store that hung for another path, or whose circuit is open. */
function expecting(outage?: SecretsError): ReturnType<typeof cached> {
  const circuit = { expected: () => outage ?? down, outage, recoveredAt: -Infinity, rest: () => undefined }
  return cached({}, { circuit })
}

describe('a read that waits no longer for a call', () => {
  it.each([
    [undefined, start + 1_250],
    [start + 1_100, start + 1_250],
    [start + 1_300, start + 1_300],
  ])('names no past time for another attempt: %s', async (retryAt, named) => {
    const { store, get } = expecting(new SecretsError('UNAVAILABLE', 'down', { retryAt }))
    slow(get)
    const reading = refusal(found(store))
    await pass(1.25)
    expect(await reading).toMatchObject({ code: 'UNAVAILABLE', problem: 'down', retryAt: named })
  })
})

describe('before a later provider whose value memory holds, a read', () => {
  it('waits 50 ms for a store that is expected to fail', async () => {
    const { store, get } = expecting()
    slow(get)
    const reading = seen(store, { fallback: 'held' })
    await pass(0.05)
    expect(await reading).toBe('UNAVAILABLE')
  })

  it('waits longer if the secret was changed, since that value may be older', async () => {
    const { store, get } = expecting()
    const landings = slow(get)
    store.recordChange('a')
    const reading = seen(store, { fallback: 'held' })
    await pass(1.249)
    landings[0]?.({ value: 'v2' })
    expect(await reading).toBe('v2')
  })

  it.each(['fresh', 'fresh volatile'] as const)('waits longer if it is %s', async (mode) => {
    const { store, get } = expecting()
    const landings = slow(get)
    const reading = seen(store, { fallback: 'held', mode })
    await pass(1.249)
    landings[0]?.({ value: 'v2' })
    expect(await reading).toBe('v2')
  })
})

describe('without a value, before an outage of its own path, a read', () => {
  it.each([
    ['waits a quarter of the deadline if a later provider may have one', 'possible', 'UNAVAILABLE'],
    ['waits for the whole call otherwise', undefined, 'v2'],
  ] as const)('%s', async (_, fallback, text) => {
    const { store, get } = expecting()
    const landings = slow(get)
    const reading = seen(store, { fallback })
    await pass(1.25)
    landings[0]?.({ value: 'v2' })
    expect(await reading).toBe(text)
  })
})

it('a value that expires within 50 ms spares no wait', async () => {
  const { store, get } = expecting()
  await found(store)
  const landings = slow(get)
  await pass(600 - 0.05)
  const reading = seen(store)
  await pass(0.1)
  landings[0]?.({ value: 'v2' })
  expect(await reading).toBe('v2')
})

it('a hung refresh is not repeated before it has ended', async () => {
  const { store, get } = cached()
  await found(store)
  slow(get)
  await pass(250)
  const reads = [await seen(store)]
  await pass(2)
  reads.push(await seen(store))
  expect([reads, get.mock.calls.length]).toEqual([['v1', 'v1'], 2])
})
