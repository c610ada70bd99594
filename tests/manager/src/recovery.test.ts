import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { type Fault, faults } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

/** The same numbers in every run: Park and Miller's generator. */
function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const readEveryMs = 500

interface Outage {
  readonly awayMs: number
  readonly fault: Fault
  readonly read: (secrets: SecretsManager, name: string) => Promise<unknown>
  readonly names?: readonly string[]
  readonly held?: boolean
}

/** How long after the store's return the first read was answered by it, with a read each half second all the while. */
async function recoveryMs(seed: number, { awayMs, fault, read, names = ['a'], held = false }: Outage): Promise<number> {
  vi.spyOn(Math, 'random').mockImplementation(seeded(seed))
  const store = breakable({ name: 'store', secrets: Object.fromEntries(names.map((name) => [name, 'v'])) })
  const secrets = createSecretsManager({ providers: [store.provider], cache: { ttlSeconds: held ? 1 : 300, maxStaleSeconds: 3_600 } })
  if (held) for (const name of names) await read(secrets, name)
  store.plan = () => fault
  let isAway = true
  let answeredAt: number | undefined
  const start = Date.now()
  for (let tick = 0; ; tick += 1) {
    if (isAway && Date.now() - start >= awayMs) {
      isAway = false
      store.plan = () => undefined
    }
    const wasBack = !isAway
    void read(secrets, names[tick % names.length] ?? 'a').then(
      () => wasBack && (answeredAt ??= Date.now()),
      () => {},
    )
    await pass(readEveryMs)
    if (answeredAt !== undefined) return answeredAt - start - awayMs
  }
}

async function spread(outage: Outage): Promise<{ median: number; worst: number }> {
  const times: number[] = []
  for (let seed = 1; seed <= 60; seed += 1) {
    const awayMs = outage.awayMs + (seed % 10) * 97 // not in step with the reads
    times.push(await recoveryMs(seed * 7_919, { ...outage, awayMs }))
  }
  times.sort((one, other) => one - other)
  return { median: times[times.length / 2] ?? NaN, worst: times.at(-1) ?? NaN }
}

const plain = (secrets: SecretsManager, name: string): Promise<unknown> => secrets.getSecret(name)
const many = Array.from({ length: 12 }, (_, index) => `name-${index}`)

describe("without a held value, a read is answered within 2 s of the store's return at the median, and 10 s at the worst", () => {
  const rejects = (code: Parameters<typeof faults.reject>[0]): Fault => faults.reject(code)
  it.each<[string, Outage]>([
    ['away for 30 s', { awayMs: 30_000, fault: rejects('UNAVAILABLE'), read: plain }],
    ['away for 3 minutes', { awayMs: 180_000, fault: rejects('UNAVAILABLE'), read: plain }],
    ['throttled', { awayMs: 30_000, fault: rejects('RATE_LIMITED'), read: plain }],
    ['asked for many names', { awayMs: 60_000, fault: rejects('UNAVAILABLE'), read: plain, names: many }],
    ['read fresh', { awayMs: 30_000, fault: rejects('UNAVAILABLE'), read: (secrets, name) => secrets.getSecret(name, { fresh: true }) }],
    ['read in batches', { awayMs: 30_000, fault: rejects('UNAVAILABLE'), read: (secrets) => secrets.getSecrets(many), names: many }],
    ['asked by verifySecret', { awayMs: 30_000, fault: rejects('UNAVAILABLE'), read: (secrets, name) => secrets.verifySecret(name, 'v') }],
    [
      'read fresh over a value that is held',
      { awayMs: 30_000, fault: rejects('UNAVAILABLE'), held: true, read: (secrets, name) => secrets.getSecret(name, { fresh: true }) },
    ],
  ])('%s', async (_, outage) => {
    const { median, worst } = await spread(outage)
    expect([median <= 2_000, worst <= 10_000], `${median} ms, ${worst} ms`).toEqual([true, true])
  })

  it.each<[string, readonly string[]]>([
    ['one name', ['a']],
    ['many names', many],
  ])('hangs (%s): a call that began before does not hold up the next', async (_, names) => {
    const { median, worst } = await spread({ awayMs: 30_000, fault: faults.hang(), read: plain, names })
    expect([median <= 2_000, worst <= 10_000], `${median} ms, ${worst} ms`).toEqual([true, true])
  })
})

it('readers with a stale value return over a time that grows with the outage', async () => {
  const read = (secrets: SecretsManager, name: string): Promise<unknown> =>
    secrets.getSecretValue(name).then((value) => (value.stale ? Promise.reject(new Error('stale')) : value))
  const { median, worst } = await spread({ awayMs: 300_000, fault: faults.reject('UNAVAILABLE'), held: true, read })
  expect([median > 10_000, worst > 40_000, worst < 62_000], `${median} ms, ${worst} ms`).toEqual([true, true, true])
})

it('the error during a back-off names the time of the next attempt', async () => {
  const store = breakable({ name: 'store' })
  store.plan = () => faults.reject('UNAVAILABLE')
  const secrets = createSecretsManager({ providers: [store.provider] })
  for (const _ of [1, 2]) expect((await failureOf(secrets.getSecret('a'))).retryAt).toBe(now + 250)
  expect((await failureOf(secrets.getSecret('a', { fresh: true }))).retryAt).toBe(now + 250)
})

it('the error of a read of a hung store names no past time', async () => {
  const store = breakable({ name: 'store' })
  store.plan = () => faults.hang()
  const secrets = createSecretsManager({ providers: [store.provider] })
  const first = codeOf(secrets.getSecret('a'))
  await pass(5_000)
  await first
  await pass(2_000)
  const second = failureOf(secrets.getSecret('a'))
  await pass(1_250)
  expect((await second).retryAt).toBe(Date.now())
})

describe('the only reader of a call that hangs', () => {
  it('leaves: the call is aborted, and the next read gets an answer of the recovered store', async () => {
    const store = breakable({ name: 'store', secrets: { a: 'v' } })
    let signal: AbortSignal | undefined
    store.plan = ({ count, context }) => {
      if (count > 1) return undefined
      signal = context.signal
      return faults.hang()
    }
    const secrets = createSecretsManager({ providers: [store.provider] })
    const caller = new AbortController()
    const reading = codeOf(secrets.getSecret('a', { signal: caller.signal }))
    await pass(100)
    caller.abort()
    expect([await reading, signal?.aborted]).toEqual(['ABORTED', true])
    expect(await secrets.getSecret('a')).toBe('v')
  })

  it('leaves a batch: that call is aborted too', async () => {
    const store = breakable({ name: 'store', secrets: { a: 'v', b: 'w' } })
    let signal: AbortSignal | undefined
    store.plan = ({ method, context }) => {
      if (method !== 'getMany') return undefined
      signal = context.signal
      return faults.hang()
    }
    const secrets = createSecretsManager({ providers: [store.provider] })
    const caller = new AbortController()
    const reading = codeOf(secrets.getSecrets(['a', 'b'], { signal: caller.signal }))
    await pass(100)
    expect(signal?.aborted).toBe(false)
    caller.abort()
    expect([await reading, signal?.aborted]).toEqual(['ABORTED', true])
    expect(await secrets.getSecret('a')).toBe('v')
  })

  it('leaves one of several single calls: that call is aborted, and no other', async () => {
    const store = breakable({ name: 'store', secrets: { a: 'v', b: 'w' } })
    const { getMany: _, ...provider } = store.provider
    const signals = new Map<unknown, AbortSignal>()
    store.plan = ({ args: [path], context }) => (signals.set(path, context.signal), faults.delay(1_000))
    const secrets = createSecretsManager({ providers: [provider] })
    const caller = new AbortController()
    const leaving = codeOf(secrets.getSecrets(['a', 'b'], { signal: caller.signal }))
    await pass(100)
    const staying = secrets.getSecret('b')
    caller.abort()
    expect([await leaving, signals.get('a')?.aborted, signals.get('b')?.aborted]).toEqual(['ABORTED', true, false])
    await pass(1_000)
    expect(await staying).toBe('w')
  })

  it('leaves a batch in which another reader waits: the batch goes on', async () => {
    const store = breakable({ name: 'store', secrets: { a: 'v', b: 'w' } })
    store.plan = ({ method }) => (method === 'getMany' ? faults.delay(1_000) : undefined)
    const secrets = createSecretsManager({ providers: [store.provider] })
    const caller = new AbortController()
    const leaving = codeOf(secrets.getSecrets(['a', 'b'], { signal: caller.signal }))
    await pass(100)
    const staying = secrets.getSecret('a')
    caller.abort()
    await pass(1_000)
    expect([await leaving, await staying, store.provider.calls('get')]).toEqual(['ABORTED', 'v', 0])
  })
})
