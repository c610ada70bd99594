import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SecretProvider, StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { canServe } from '../manager/can-serve.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { refusal } from '../testing/refusal.ts'

const promptMs = 50
const deadlineMs = 5_000

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const hung = (): Promise<never> => new Promise(() => {})
const given = async (): Promise<StoredSecret> => ({ value: 'old' })

/** A store whose answer may change, and how many calls for one path were under way at once. */
class Store {
  answer: () => Promise<StoredSecret | undefined> = given
  calls = 0
  mostAtOnce = 0
  readonly signals: AbortSignal[] = []
  readonly #running = new Map<string, number>()
  readonly provider: SecretProvider

  constructor(name = 'store', members: Partial<SecretProvider> = {}) {
    this.provider = { specificationVersion: 'v1', name, get: (path, { signal }) => this.#get(path, signal), ...members }
  }

  async #get(path: string, signal: AbortSignal): Promise<StoredSecret | undefined> {
    this.calls += 1
    this.signals.push(signal)
    const running = (this.#running.get(path) ?? 0) + 1
    this.#running.set(path, running)
    this.mostAtOnce = Math.max(this.mostAtOnce, running)
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    try {
      return await Promise.race([this.answer(), aborted])
    } finally {
      this.#running.set(path, running - 1)
    }
  }
}

function managerOf(providers: readonly SecretProvider[], maxStaleSeconds = 3_600): SecretsManager {
  return createSecretsManager({ providers, deadlineMs, cache: { ttlSeconds: 2, maxStaleSeconds } })
}

async function msOf(run: () => Promise<unknown>): Promise<number> {
  const begunAt = Date.now()
  const reading = { isOver: false }
  const end = (): void => void (reading.isOver = true)
  void run().then(end, end)
  for (await pass(0); !reading.isOver; await pass(1));
  return Date.now() - begunAt
}

async function textOf(secrets: SecretsManager, name = 'a'): Promise<string> {
  const value = await secrets.getSecretValue(name)
  return `${value.reveal()}${value.stale ? ' (stale)' : ''}${value.degraded ? ' (degraded)' : ''}`
}

/** A manager that holds a value, and whose store has hung for one read. */
async function knownToHang(maxStaleSeconds?: number): Promise<{ store: Store; secrets: SecretsManager }> {
  const store = new Store()
  const secrets = managerOf([store.provider], maxStaleSeconds)
  await secrets.getSecret('a')
  await pass(2_000)
  store.answer = hung
  expect(await msOf(() => secrets.getSecret('a'))).toBe(deadlineMs)
  return { store, secrets }
}

/** How long each read took while the store hung for 25 s. */
async function readTimes(read: (count: number) => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = []
  for (const begunAt = Date.now(); Date.now() - begunAt < 25_000; await pass(20)) times.push(await msOf(() => read(times.length)))
  return times
}

function slowOf(times: readonly number[]): readonly number[] {
  return times.filter((ms) => ms > promptMs)
}

const ways: readonly [string, (secrets: SecretsManager, names: readonly string[], count: number) => Promise<unknown>][] = [
  ['getSecret', (secrets, names, count) => secrets.getSecret(names[count % names.length] ?? 'a')],
  ['getSecretValue with its own signal', (secrets, [name = 'a']) => secrets.getSecretValue(name, { signal: AbortSignal.timeout(9_000) })],
  ['getSecrets', (secrets, names) => secrets.getSecrets(names)],
  ['verifySecret', (secrets, names, count) => secrets.verifySecret(names[count % names.length] ?? 'a', 'old')],
]

describe.each(ways)('in 25 s in which a store hangs, %s', (_, read) => {
  it.each([1, 2, 10])('of %i secrets that are held waits for it once, and asks once at a time', async (count) => {
    const store = new Store()
    const secrets = managerOf([store.provider])
    const names = Array.from({ length: count }, (_name, index) => `name-${index}`)
    await secrets.getSecrets(names)
    store.answer = hung
    const times = await readTimes((each) => read(secrets, names, each))
    expect(slowOf(times).length).toBe(1)
    expect([times.length > 500, store.mostAtOnce]).toEqual([true, 1])
  })
})

describe('a read of a held value from a store that is known to hang', () => {
  it('waits 50 ms for a new attempt, and later reads no longer while it goes on', async () => {
    const { store, secrets } = await knownToHang()
    await pass(500)
    const times = [await msOf(() => textOf(secrets)), await msOf(() => textOf(secrets)), await msOf(() => textOf(secrets))]
    expect([times, store.calls]).toEqual([[promptMs, 0, 0], 3])
  })

  it('takes an answer that comes in these 50 ms', async () => {
    const { store, secrets } = await knownToHang()
    await pass(500)
    store.answer = async () => pass(0).then(() => ({ value: 'new' }))
    expect(await textOf(secrets)).toBe('new')
  })

  it('is stale until the attempt is answered, and no longer', async () => {
    const { store, secrets } = await knownToHang()
    await pass(500)
    const late = Promise.withResolvers<StoredSecret>()
    store.answer = () => late.promise
    const reading = textOf(secrets)
    await pass(promptMs)
    expect([await reading, await textOf(secrets)]).toEqual(['old (stale)', 'old (stale)'])
    late.resolve({ value: 'new' })
    await pass(0)
    expect([await textOf(secrets), store.calls]).toEqual(['new', 3])
  })

  it('is refused once the attempt was', async () => {
    const { store, secrets } = await knownToHang()
    await pass(500)
    store.answer = async () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'denied'))
    expect((await refusal(secrets.getSecret('a'))).code).toBe('PERMISSION_DENIED')
    store.answer = hung
    const again = refusal(secrets.getSecret('a'))
    await pass(deadlineMs)
    expect((await again).code).toBe('PERMISSION_DENIED')
  })

  it('gets nothing beyond maxStaleSeconds, and waits a quarter of the deadline for the store', async () => {
    const { secrets } = await knownToHang(8)
    await pass(2_950)
    const reading = refusal(secrets.getSecret('a'))
    expect(await msOf(() => reading)).toBe(1_250)
    expect((await reading).code).toBe('UNAVAILABLE')
  })

  it('waits a quarter of the deadline if it comes long after the last attempt', async () => {
    const { secrets } = await knownToHang()
    await pass(250 + 10_000 - 1)
    expect(await msOf(() => textOf(secrets))).toBe(promptMs)
    await pass(deadlineMs + 60_000)
    expect(await msOf(() => textOf(secrets))).toBe(1_250)
  })

  it('waits as ever if it is fresh', async () => {
    const { secrets } = await knownToHang()
    await pass(500)
    expect(await msOf(() => secrets.getSecret('a', { fresh: true }))).toBe(1_250)
  })

  it('leaves nothing behind when the manager is closed', async () => {
    const { store, secrets } = await knownToHang()
    await pass(500)
    expect(await msOf(() => textOf(secrets))).toBe(promptMs)
    const closing = secrets.close()
    await pass(deadlineMs)
    await closing
    expect([store.signals.at(-1)?.aborted, vi.getTimerCount()]).toEqual([true, 0])
  })
})

describe('a call that takes longer than a quarter of the deadline', () => {
  it('delays no later read of a held value, and there is no second one', async () => {
    const store = new Store()
    const secrets = managerOf([store.provider])
    await secrets.getSecret('a')
    await pass(2_000)
    store.answer = hung
    const first = textOf(secrets)
    await pass(1_251)
    expect([await msOf(() => textOf(secrets)), await textOf(secrets), store.calls]).toEqual([0, 'old (stale)', 2])
    await pass(deadlineMs)
    expect(await first).toBe('old (stale)')
  })

  it('is not aborted by the signal of a read that holds a value, so that it tells of the outage', async () => {
    const store = new Store()
    const secrets = managerOf([store.provider])
    await secrets.getSecret('a')
    await pass(2_000)
    store.answer = hung
    const caller = new AbortController()
    const first = refusal(secrets.getSecret('a', { signal: caller.signal }))
    await pass(1_500)
    caller.abort()
    expect((await first).code).toBe('ABORTED')
    expect([await msOf(() => textOf(secrets)), store.signals.at(-1)?.aborted]).toEqual([0, false])
  })

  it('does not count if the process was frozen meanwhile', async () => {
    const store = new Store()
    const secrets = managerOf([store.provider])
    await secrets.getSecret('a')
    await pass(2_000)
    store.answer = hung
    void textOf(secrets).catch(() => {})
    vi.setSystemTime(Date.now() + deadlineMs + 1)
    store.answer = async () => ({ value: 'new' })
    expect(await textOf(secrets)).toBe('new')
  })
})

describe('another secret of a store that is known to hang', () => {
  async function other(answer: () => Promise<StoredSecret | undefined>): Promise<number> {
    const store = new Store()
    const secrets = managerOf([store.provider])
    await secrets.getSecrets(['a', 'b', 'c'])
    await pass(2_000)
    store.answer = hung
    await msOf(() => secrets.getSecret('a'))
    store.answer = answer
    await msOf(() => secrets.getSecret('b'))
    store.answer = hung
    return msOf(() => secrets.getSecret('c'))
  }

  it('costs 50 ms', async () => expect(await other(hung)).toBe(promptMs))
  it('is waited for as ever once the store has answered', async () => expect(await other(given)).toBe(deadlineMs))
})

describe('a first provider that hangs and holds nothing', () => {
  async function chained(names: readonly string[], fallback?: 'stop'): Promise<readonly number[]> {
    const [first, second] = [new Store('first'), new Store('second')]
    first.answer = hung
    const secrets = managerOf([first.provider, second.provider])
    const options = fallback && { fallback: { UNAVAILABLE: fallback } }
    const times: number[] = []
    for (const name of names) {
      times.push(await msOf(() => secrets.getSecret(name, options)))
      await pass(500)
    }
    return times
  }

  it('delays later reads by 50 ms if memory holds the value of a later one, and else by a quarter of the deadline', async () => {
    expect(await chained(['a', 'a', 'b', 'b'])).toEqual([deadlineMs, promptMs, 1_250, 0])
  })

  it('is waited for if the policy stops at it', async () => {
    expect((await chained(['a', 'a'], 'stop'))[1]).toBe(1_250)
  })

  it('is asked meanwhile, and its answer is taken', async () => {
    const [first, second] = [new Store('first'), new Store('second')]
    first.answer = hung
    const secrets = managerOf([first.provider, second.provider])
    await msOf(() => secrets.getSecret('a'))
    await pass(500)
    const late = Promise.withResolvers<StoredSecret>()
    first.answer = () => late.promise
    const reading = textOf(secrets)
    await pass(promptMs)
    expect(await reading).toBe('old (degraded)')
    late.resolve({ value: 'new' })
    await pass(0)
    expect(await textOf(secrets)).toBe('new')
  })
})

it('a readiness check during a hang waits for it once', async () => {
  const { secrets } = await knownToHang()
  const times = await readTimes(() => canServe(secrets, ['a']))
  expect(slowOf(times)).toEqual([])
})
