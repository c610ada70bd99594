import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SecretsError } from '../../errors/secrets-error.ts'
import { type LiveSecret, liveSecret, useSecret } from '../../live.ts'
import { createSecretsManager } from '../../manager/create-manager.ts'
import type { SecretsManager } from '../../manager/secrets-manager.ts'
import { refusal } from '../../testing/refusal.ts'
import { secretValue } from '../../testing/secret-value.ts'
import { stagingStore, type StagingStore } from '../../testing/staging-store.ts'

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

class RefusedLogin extends Error {}
const isAuthError = (error: unknown): boolean => error instanceof RefusedLogin

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0.5) // of the pauses between searches
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A service whose pool logs in by the password function, at a server that knows one password. */
class Pool {
  readonly store: StagingStore = stagingStore({ value: 'v1', version: 1 })
  readonly secrets: SecretsManager = createSecretsManager({ providers: [this.store.provider] })
  readonly handle: LiveSecret = liveSecret(this.secrets, 'db')
  readonly password: () => Promise<string> = this.handle.asPasswordFunction()
  accepted: string
  answersAfterMs = 5
  underWay = 0
  mostAtOnce = 0
  readonly logins: string[] = []
  readonly ended: unknown[] = []
  /** Errors of callers whom the server has refused. */
  readonly afterRefusal = new Set<unknown>()

  constructor(accepted: string) {
    this.accepted = accepted
  }

  connect(count = 1, budgetMs = 5_000): void {
    for (let each = 0; each < count; each += 1) void this.#connectOne(budgetMs)
  }

  async #connectOne(budgetMs: number): Promise<void> {
    let wasRefused = false
    const noted = (error: unknown): boolean => {
      const isRefusal = isAuthError(error)
      wasRefused ||= isRefusal
      return isRefusal
    }
    try {
      await useSecret(this.secrets, 'db', () => this.login(), { isAuthError: noted, budgetMs })
      this.ended.push('connected')
    } catch (error) {
      this.ended.push(error)
      if (wasRefused) this.afterRefusal.add(error)
    }
  }

  async login(): Promise<void> {
    const password = await this.password()
    this.logins.push(password)
    this.underWay += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay)
    await new Promise((resolve) => setTimeout(resolve, this.answersAfterMs))
    this.underWay -= 1
    if (password !== this.accepted) throw new RefusedLogin('password authentication failed')
  }
}

describe('logins with a password that is known to be refused', () => {
  it('are tried by one alone, with pauses, and by all with the next value', async () => {
    const pool = new Pool('v2')
    await pool.handle.ready
    pool.connect()
    await pass(20)
    for (let times = 0; times < 30; times += 1) {
      pool.connect(10)
      await pass(100)
    }
    expect(pool.logins.length).toBeLessThan(12) // 301 callers
    Object.assign(pool.store, { current: { value: 'v2', version: 2 }, previous: pool.store.current })
    await pass(1_100)
    expect(pool.ended).toEqual(Array.from({ length: 301 }, () => 'connected'))
  })

  it('go on as soon as one has succeeded with the value that the watch brings', async () => {
    const pool = new Pool('v2')
    await pool.handle.ready
    pool.connect()
    await pass(2_000)
    pool.connect(10)
    await pass(1)
    await pool.secrets.rotateSecret('db', 'v2')
    await pass(4)
    expect(pool.logins.filter((password) => password === 'v2').length).toBe(1)
    await pass(20)
    expect(pool.ended.length).toBeGreaterThanOrEqual(9) // others may be in their pause after a refusal
    await pass(1_500)
    expect(pool.ended).toEqual(Array.from({ length: 11 }, () => 'connected'))
  })

  it.each([5, 900, 1_500])('do not go together with a next value that is refused after %i ms', async (answersAfterMs) => {
    const pool = new Pool('v4')
    await pool.handle.ready
    pool.connect()
    await pass(100)
    pool.answersAfterMs = answersAfterMs
    pool.connect(200)
    await pass(200)
    for (const next of ['v2', 'v3']) {
      await pool.secrets.rotateSecret('db', next)
      pool.mostAtOnce = pool.underWay
      await pass(900)
      expect(pool.mostAtOnce).toBeLessThanOrEqual(3) // one with each value
    }
    await pool.secrets.rotateSecret('db', 'v4')
    await pass(6_000)
    expect(pool.ended.filter((end) => end === 'connected').length).toBe(201)
  })

  it('try a value that is refused once each', async () => {
    const pool = new Pool('nothing')
    await pool.handle.ready
    pool.connect()
    await pass(20)
    pool.connect()
    await pass(30)
    await pool.secrets.rotateSecret('db', 'v2')
    await pass(12)
    expect(pool.logins.filter((password) => password === 'v2').length).toBe(1)
  })

  it('wait for the one that succeeds, where the far side accepts the password again', async () => {
    const pool = new Pool('v2')
    await pool.handle.ready
    pool.connect(20)
    await pass(500)
    pool.accepted = 'v1'
    await pass(3_000)
    expect(pool.ended).toEqual(Array.from({ length: 20 }, () => 'connected'))
    const { length } = pool.logins
    pool.connect(20)
    await pass(5)
    expect(pool.logins.length - length).toBe(20)
  })

  it('go on within a longer budget of `useSecret`', async () => {
    const pool = new Pool('v2')
    await pool.handle.ready
    pool.connect(1, 20_000)
    await pass(20)
    pool.connect(10, 20_000)
    await pass(8_200)
    expect(pool.ended).toEqual([])
    Object.assign(pool.store, { current: { value: 'v2', version: 2 }, previous: pool.store.current })
    await pass(2_000)
    expect(pool.ended).toEqual(Array.from({ length: 11 }, () => 'connected'))
  })

  it('go on where nobody tells of a success: one, two, four and eight more after each second, then all', async () => {
    const { handle, password, secrets } = new Pool('v1')
    await handle.ready
    const search = handle.refused(handle.current)
    await pass(200)
    expect((await search).reveal()).toBe('v1')
    const given: string[] = []
    for (let each = 0; each < 40; each += 1) void password().then((text) => given.push(text))
    const counts: number[] = []
    for (const ms of [0, 1_000, 1_000, 1_000, 1_000, 1_000]) {
      await pass(ms)
      counts.push(given.length)
    }
    expect(counts).toEqual([1, 2, 4, 8, 16, 40])
    expect(new Set(given)).toEqual(new Set(['v1']))
    let logins = 0
    const run = async (): Promise<void> => {
      if ((logins += 1) === 1) throw new RefusedLogin('of an older one')
    }
    void useSecret(secrets, 'db', run, { isAuthError, usedIn: () => secretValue('v0') })
    await pass(0)
    expect(logins, 'it counts as a success, so that it is offered without a search').toBe(2)
  })

  it.each([
    [1_100, 2],
    [2_500, 4],
    [3_900, 8],
  ])('are not let go together where a refusal takes %i ms', async (answersAfterMs, most) => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const pool = new Pool('v2')
    pool.answersAfterMs = answersAfterMs
    await pool.handle.ready
    pool.connect()
    await pass(answersAfterMs + 50)
    pool.connect(20)
    await pass(10_000)
    expect(pool.mostAtOnce).toBe(most)
  })

  it.each([
    ['was held before', 2_000, 5_000],
    ['waits for a shorter time than others', 0, 1_500],
  ])('try at the end of their budget what a slow far side has not answered: a pool that %s', async (_, heldMs, budgetMs) => {
    const pool = new Pool('v2')
    await pool.handle.ready
    pool.connect(1, 20_000)
    await pass(20)
    pool.connect(20, budgetMs)
    await pass(heldMs)
    pool.answersAfterMs = 6_000
    await pool.secrets.rotateSecret('db', 'v2')
    await pass(15_000)
    expect(pool.ended).toEqual(Array.from({ length: 21 }, () => 'connected'))
  })

  it('end with the budget of the `useSecret` that runs them', async () => {
    const pool = new Pool('nothing')
    await pool.handle.ready
    pool.connect(1, 1_000)
    await pass(20)
    pool.connect(20, 1_000)
    await pass(1_010)
    expect(pool.ended.length).toBeGreaterThan(10)
    await pass(1_000) // the budget of the others counts from their first refusal
    expect(pool.ended.length).toBe(21)
  })

  it('end with UNAVAILABLE after five seconds, and show no value', async () => {
    const pool = new Pool('nothing')
    await pool.handle.ready
    pool.connect()
    await pass(20)
    pool.connect(30)
    await pass(12_000)
    const held = pool.ended.filter((error) => SecretsError.isInstance(error) && error.code === 'UNAVAILABLE')
    expect(pool.ended.length).toBe(31)
    expect(held.length).toBeGreaterThan(10)
    expect(held[0]).toMatchObject({ secret: 'db' })
    // Who was refused gets the far side's own error.
    for (const error of pool.ended) expect(pool.afterRefusal.has(error) ? isAuthError(error) : held.includes(error)).toBe(true)
    expect(inspect(held).replaceAll(process.cwd(), '')).not.toContain('v1')
    expect(pool.logins.length).toBeLessThan(25)
  })

  it('read no staged version that those who were refused do not search', async () => {
    const { store, secrets, password, handle } = new Pool('v2')
    await handle.ready
    const run = async (): Promise<never> => Promise.reject(new RefusedLogin(await password()))
    for (let each = 0; each < 3; each += 1) useSecret(secrets, 'db', run, { isAuthError, candidates: [] }).catch(() => {})
    await pass(6_000)
    expect([store.calls['staging.get'], store.calls['getVersion']]).toEqual([undefined, undefined])
  })

  it('end with the manager', async () => {
    const { handle, password, secrets } = new Pool('v2')
    await handle.ready
    void handle.refused(handle.current).catch(() => {})
    const waiting = [refusal(password()), refusal(password())]
    await pass(1)
    await secrets.close()
    for (const error of await Promise.all(waiting))
      expect(error).toMatchObject({ code: 'ABORTED', problem: 'the secrets manager is closed' })
  })
})
