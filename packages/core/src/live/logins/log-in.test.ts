import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LiveSecret, liveSecret, useSecret } from '../../live.ts'
import { createSecretsManager } from '../../manager/create-manager.ts'
import type { SecretsManager } from '../../manager/secrets-manager.ts'
import { refusal } from '../../testing/refusal.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import { stagingStore, type StagingStore } from '../../testing/staging-store.ts'

class RefusedLogin extends Error {}
const isAuthError = (error: unknown): boolean => error instanceof RefusedLogin
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A server that knows one password and answers after 5 ms. */
class Server {
  readonly store: StagingStore = stagingStore({ value: 'v1', version: 1 })
  readonly secrets: SecretsManager = createSecretsManager({ providers: [this.store.provider] })
  readonly handle: LiveSecret = liveSecret(this.secrets, 'db')
  accepted = 'v1'
  readonly logins: string[] = []
  /** Instead of an answer. */
  failure: Error | undefined
  underWay = 0
  mostAtOnce = 0

  logIn(handle: LiveSecret = this.handle): Promise<string> {
    return handle.logIn((value) => this.#answer(value.reveal()), { isAuthError })
  }

  async #answer(password: string): Promise<string> {
    this.logins.push(password)
    this.underWay += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay)
    await new Promise((resolve) => setTimeout(resolve, 5))
    this.underWay -= 1
    if (this.failure !== undefined) throw this.failure
    if (password !== this.accepted) throw new RefusedLogin('password authentication failed')
    return `in with ${password}`
  }
}

async function serverThatRefuses(): Promise<Server> {
  const server = new Server()
  await server.handle.ready
  server.accepted = 'v2'
  const refused = server.logIn().catch(isAuthError)
  await pass(5)
  expect(await refused).toBe(true)
  return server
}

describe('a login of a live secret', () => {
  it('runs with the value to use, and resolves with what it returns', async () => {
    const server = new Server()
    const login = server.logIn()
    await pass(5)
    expect(await login).toBe('in with v1')
  })

  it('passes on errors that are no refusal, and holds no other login', async () => {
    const { handle } = new Server()
    const down = new Error('down')
    await expect(handle.logIn(() => Promise.reject(down), { isAuthError })).rejects.toBe(down)
    expect(await handle.logIn((value) => value.reveal(), { isAuthError })).toBe('v1')
  })

  it.each(['of text', null])('passes on a refusal that is no object: %j', async (thrown: unknown) => {
    const { handle } = new Server()
    const refusals: unknown[] = []
    const login = handle.logIn(() => Promise.reject(thrown as Error), { isAuthError: () => true }) // as from JavaScript
    await login.catch((error: unknown) => refusals.push(error))
    expect(refusals).toEqual([thrown])
  })

  it('waits after a refusal while one alone tries, and goes on as soon as that one has succeeded', async () => {
    const server = await serverThatRefuses()
    const waiting = Promise.allSettled(Array.from({ length: 20 }, () => server.logIn()))
    await pass(1_000)
    const tries = server.logins.length
    expect(tries).toBeLessThan(8)
    await server.secrets.rotateSecret('db', 'v2')
    await pass(4)
    expect(server.logins.slice(tries)).toEqual(['v2'])
    await pass(6)
    const ends = (await waiting).map((end) => end.status === 'fulfilled' && end.value)
    expect(ends.filter((end) => end === 'in with v2').length).toBe(21 - tries)
  })

  it('ends after five seconds without a password that works', async () => {
    const server = await serverThatRefuses()
    const since = Date.now()
    const ended = ({ code }: { code?: string }): unknown => [code, Date.now() - since]
    const logins = Promise.all(Array.from({ length: 20 }, () => server.logIn().catch(ended)))
    await pass(5_010)
    expect(await logins).toContainEqual(['UNAVAILABLE', 5_000])
    expect(server.logins.length).toBeLessThan(15)
  })

  it('is blamed for its own value, though another caller gets the error', async () => {
    const server = new Server()
    await server.handle.ready
    server.accepted = 'v2'
    const failed = server.logIn().catch((error: unknown) => error)
    await server.secrets.rotateSecret('db', 'v2')
    await pass(5)
    const error = await failed
    const used: string[] = []
    const caller = useSecret(
      server.secrets,
      'db',
      async (value) => {
        used.push(value.reveal())
        if (used.length === 1) throw error
        return server.logIn()
      },
      { isAuthError },
    )
    await pass(20)
    expect(await caller).toBe('in with v2')
    expect(used).toEqual(['v2', 'v2'])
  })

  it.each(['pending', 'previous'] as const)('alone tries the %s version that a search found', async (kind) => {
    const server = await serverThatRefuses()
    const version = { value: 'v3', version: 3, attempt: 1 }
    server.store[kind] = version
    const waiting = Promise.allSettled(Array.from({ length: 20 }, () => server.logIn()))
    await pass(5_010)
    expect(server.logins).toContain('v3')
    expect(server.mostAtOnce).toBe(1)
    await waiting
  })

  it('takes no turn of others once its handle was disposed of', async () => {
    const server = await serverThatRefuses()
    const other = liveSecret(server.secrets, 'db')
    const gone = Promise.allSettled(Array.from({ length: 20 }, () => server.logIn(other)))
    const waiting = Promise.allSettled(Array.from({ length: 20 }, () => server.logIn()))
    await pass(1)
    other[Symbol.dispose]()
    await server.secrets.rotateSecret('db', 'v2')
    await pass(40)
    expect((await waiting).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'fulfilled'))
    expect((await gone).map((end) => end.status === 'rejected' && (end.reason as { code?: string }).code)).toContain('ABORTED')
  })

  it('lets the next one try at once if it fails otherwise, which is no success', async () => {
    const server = await serverThatRefuses()
    server.failure = new Error('down')
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const pausedOrOver = (): Promise<boolean> =>
      Promise.race([over.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 20, false))])
    const again = async (): Promise<void> => {
      await server.logIn().catch(() => {})
      if (!(await pausedOrOver())) await again()
    }
    const clients = Promise.all(Array.from({ length: 20 }, again))
    await pass(1_000)
    expect(server.logins.length).toBeGreaterThan(100)
    await pass(5_000)
    server.failure = undefined
    await pass(100)
    end()
    expect(server.mostAtOnce).toBe(1)
    await pass(6_000)
    await clients
  })

  it('hands its turn to no other login if it fails otherwise after its value was refused', async () => {
    const server = new Server()
    await server.handle.ready
    server.accepted = 'v2'
    const { promise: late, reject } = Promise.withResolvers<void>()
    const ends = Promise.allSettled([server.handle.logIn(() => late, { isAuthError }), server.logIn()])
    await pass(5)
    const run = vi.fn<() => void>()
    void server.handle.logIn(run, { isAuthError })
    await pass(1)
    reject(new Error('down'))
    await pass(5)
    expect(run).not.toHaveBeenCalled()
    await ends
  })

  it('with a former value gives no turn to others if it fails otherwise while the next one is tried', async () => {
    const server = new Server()
    await server.handle.ready
    server.accepted = 'v3'
    const { promise: late, reject } = Promise.withResolvers<void>()
    const ends = Promise.allSettled([server.handle.logIn(() => late, { isAuthError }), server.logIn()])
    await pass(5)
    await server.secrets.rotateSecret('db', 'v2')
    const given: string[] = []
    const hang = (value: SecretValue): Promise<void> => {
      given.push(value.reveal())
      return new Promise(() => {})
    }
    for (let each = 0; each < 3; each += 1) void server.handle.logIn(hang, { isAuthError })
    await pass(5)
    reject(new Error('down'))
    await pass(5)
    expect(given).toEqual(['v2'])
    await ends
  })

  it('passes on its own end after the manager was closed', async () => {
    const server = new Server()
    await server.handle.ready
    const { promise: refused, reject } = Promise.withResolvers<void>()
    const ends = Promise.allSettled([server.logIn(), server.handle.logIn(() => refused, { isAuthError })])
    const search = server.handle.refused(server.handle.current).catch(() => {})
    await pass(1) // what is current was read anew
    await server.secrets.close()
    reject(new RefusedLogin('no'))
    await pass(100)
    await search
    const [accepted, failed] = await ends
    expect(accepted).toEqual({ status: 'fulfilled', value: 'in with v1' })
    expect(failed.status === 'rejected' && isAuthError(failed.reason)).toBe(true)
  })

  it.each(['the same', 'another'])('is blamed once for an error that a client of %s secret throws again', async (whose) => {
    const server = new Server()
    await server.handle.ready
    const error = new RefusedLogin('of all logins')
    await expect(server.handle.logIn(() => Promise.reject(error), { isAuthError })).rejects.toBe(error)
    await server.secrets.rotateSecret('db', 'v2')
    await pass(100)
    await server.handle.logIn(() => {}, { isAuthError })
    const store = whose === 'another' ? stagingStore({ value: 'v2', version: 2 }) : server.store
    const secrets = whose === 'another' ? createSecretsManager({ providers: [store.provider] }) : server.secrets
    await secrets.getSecret('db')
    store.current = { value: 'v3', version: 3 }
    const run = async (password: string): Promise<string> => (password === 'v3' ? password : Promise.reject(error))
    const used = useSecret(secrets, 'db', (value) => run(value.reveal()), { isAuthError }).catch(() => 'refused')
    await pass(6_000)
    expect(await used).toBe('v3')
  })

  it.each([undefined, {}, { isAuthError: true }, { isAuthError, budgetMs: 1 }])('refuses the options %o', async (options) => {
    const { handle } = new Server()
    const error = await refusal(handle.logIn(() => {}, options as unknown as { isAuthError: typeof isAuthError })) // as from JavaScript
    expect(error.code).toBe('INVALID_ARGUMENT')
  })

  it('takes a promise of `isAuthError` for no refusal', async () => {
    const { handle } = new Server()
    const always = (async () => true) as unknown as typeof isAuthError // as from JavaScript
    await expect(handle.logIn(() => Promise.reject(new Error('no')), { isAuthError: always })).rejects.toThrow('no')
    expect(await handle.logIn((value) => value.reveal(), { isAuthError })).toBe('v1')
  })

  it('does not begin once its handle was disposed of', async () => {
    const { handle } = new Server()
    handle[Symbol.dispose]()
    const run = vi.fn<() => void>()
    expect((await refusal(handle.logIn(run, { isAuthError }))).code).toBe('ABORTED')
    expect(run).not.toHaveBeenCalled()
  })
})
