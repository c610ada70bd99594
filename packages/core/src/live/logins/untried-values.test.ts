import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LiveSecret, liveSecret, useSecret } from '../../live.ts'
import { createSecretsManager } from '../../manager/create-manager.ts'
import type { SecretsManager } from '../../manager/secrets-manager.ts'
import { stagingStore, type StagingStore } from '../../testing/staging-store.ts'
import type { SecretValue } from '../../value/secret-value.ts'

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

class RefusedLogin extends Error {}
const isAuthError = (error: unknown): boolean => error instanceof RefusedLogin

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(1) // pauses in full
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A service whose logins take 20 ms, at a server that knows one password. */
class Service {
  readonly store: StagingStore = stagingStore({ value: 'v1', version: 1 })
  readonly secrets: SecretsManager = createSecretsManager({ providers: [this.store.provider] })
  readonly handle: LiveSecret = liveSecret(this.secrets, 'db')
  readonly logins: string[] = []
  readonly ended: unknown[] = []
  accepted = 'nothing'
  /** How long the next logins take. */
  readonly slow: number[] = []
  /** What the next logins with the second version do instead. */
  readonly instead: (() => Promise<void>)[] = []

  connect(count = 1, budgetMs = 5_000): void {
    const use = (): Promise<void> => useSecret(this.secrets, 'db', (value) => this.#login(value), { isAuthError, budgetMs })
    const add = (end: unknown): void => void this.ended.push(end)
    for (let each = 0; each < count; each += 1) use().then(() => add('connected'), add)
  }

  async #login(value: SecretValue): Promise<void> {
    this.logins.push(value.reveal())
    const instead = value.version === 2 ? this.instead.shift() : undefined
    if (instead !== undefined) return instead()
    await pause(this.slow.shift() ?? 20)
    if (value.reveal() !== this.accepted) throw new RefusedLogin('password authentication failed')
  }

  get triesOfNext(): number {
    return this.logins.filter((password) => password === 'v2').length
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const hang = (): Promise<void> => new Promise(() => {})

/** Callers whose logins with the first version are under way when the second one becomes current. */
async function changedMeanwhile(callers: number, ...instead: Service['instead']): Promise<Service> {
  const service = new Service()
  await service.handle.ready
  service.connect(callers)
  await pass(10)
  service.accepted = 'v2'
  service.instead.push(...instead)
  await service.secrets.rotateSecret('db', 'v2')
  return service
}

describe('a value that becomes current while callers are refused', () => {
  it.each(['was under way', 'waits', 'waits, and the one that tries gives up'])(
    'is tried by one alone where their login %s',
    async (when) => {
      const service = new Service()
      await service.handle.ready
      if (when.endsWith('gives up')) service.connect(1, 2_000)
      await pass(1)
      service.connect(2_000)
      await pass(when === 'was under way' ? 10 : 1_990)
      await service.secrets.rotateSecret('db', 'v2')
      if (when === 'waits') service.connect(2_000)
      await pass(100)
      expect(service.triesOfNext).toBeLessThanOrEqual(2) // again after a pause
      expect(service.triesOfNext).toBeGreaterThan(0)
    },
  )

  it('is used by all as soon as one has succeeded', async () => {
    const service = await changedMeanwhile(2_000)
    await pass(30)
    expect([service.triesOfNext, service.ended.length]).toEqual([2_000, 1])
    await pass(20)
    expect(service.ended).toEqual(Array.from({ length: 2_000 }, () => 'connected'))
  })

  it('is used at once by callers that are refused after one has succeeded', async () => {
    const service = new Service()
    await service.handle.ready
    service.slow.push(...Array.from({ length: 10 }, () => 200))
    service.connect(10)
    service.connect(1)
    await pass(10)
    service.accepted = 'v2'
    await service.secrets.rotateSecret('db', 'v2')
    await pass(100)
    expect([service.triesOfNext, service.ended]).toEqual([1, ['connected']])
    await pass(91)
    expect(service.triesOfNext).toBe(11)
  })

  it('is tried by 1, 2, 4 and 8 more after each second in which a login with it hangs', async () => {
    const service = await changedMeanwhile(100, ...Array.from({ length: 100 }, () => hang))
    const tries: number[] = []
    await pass(11)
    for (const ms of [0, 998, 2, 1_000, 1_000, 1_000]) {
      await pass(ms)
      tries.push(service.triesOfNext)
    }
    expect(tries).toEqual([1, 1, 2, 4, 8, 16])
  })

  it('is used by all once a later login has succeeded, though the first one hangs', async () => {
    const service = await changedMeanwhile(100, hang)
    await pass(1_100)
    expect(service.ended.length).toBe(99)
  })

  it('is replaced by a search once a later login is refused, though the first one hangs', async () => {
    const service = await changedMeanwhile(100, hang)
    service.accepted = 'v3'
    await pass(11)
    service.store.pending = { value: 'v3', version: 3, attempt: 1, stagedAt: Date.now() }
    await pass(1_100)
    expect(service.ended.filter((end) => end === 'connected').length).toBe(99)
  })

  it('is tried by the next caller where the first one fails otherwise', async () => {
    const broken = new Error('connection reset')
    const service = await changedMeanwhile(100, () => Promise.reject(broken), hang)
    await pass(11)
    expect([service.triesOfNext, service.ended]).toEqual([2, [broken]])
    await pass(1_050)
    expect(service.ended.length).toBe(99)
  })

  it('is not used by those whose budget has ended meanwhile', async () => {
    const service = new Service()
    await service.handle.ready
    service.connect(10, 50)
    await pass(10)
    service.instead.push(hang)
    await service.secrets.rotateSecret('db', 'v2')
    await pass(70)
    expect([service.triesOfNext, service.ended.length]).toEqual([1, 9])
    expect(service.ended.every(isAuthError)).toBe(true)
  })
})
