import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  createSecretsManager,
  SecretNotFoundError,
  SecretsError,
  type AuditEvent,
  type FallbackPolicy,
  type SecretsErrorCode,
  type SecretsManager,
  type SecretsManagerOptions,
} from '@finchat/secrets-core'
import { managerStatus } from '@finchat/secrets-core/live'
import { type Fault, faults, leaksOf, memoryAuditTrail } from '@finchat/secrets-testkit'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { breakable, codeOf, failureOf, readOnly, type Breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

let warnings: { message: string; code: unknown }[]
onOwnClock()
beforeEach(() => {
  warnings = []
  vi.mocked(process.emitWarning).mockImplementation(
    (message, options) => void warnings.push({ message: String(message), code: Object(options).code }),
  )
})

interface Chain {
  readonly first: Breakable
  readonly second: Breakable
  readonly third: Breakable
  readonly secrets: SecretsManager
}

/** Three stores, each with the secret `token` whose value is the store's name. */
function chain(options: Partial<SecretsManagerOptions> = {}): Chain {
  const [first, second, third] = ['first', 'second', 'third'].map((name) => breakable({ name, secrets: { token: name } })) as [
    Breakable,
    Breakable,
    Breakable,
  ] // three names
  return {
    first,
    second,
    third,
    secrets: createSecretsManager({ providers: [first.provider, second.provider, third.provider], ...options }),
  }
}

const failing = (code: SecretsErrorCode, details?: { retryAt: number }) => (): Fault => faults.reject(code, details)
const asksNext = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'CREDENTIALS_MISSING'] as const
const stops = [
  'DELETED',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'VERSION_CONFLICT',
  'INTEGRITY',
  'CONFIGURATION',
  'INTERNAL',
] as const

describe('a store that answers', () => {
  it('"does not exist" makes the next store answer, not degraded', async () => {
    const missing = breakable({ name: 'missing' })
    const { second } = chain()
    const secrets = createSecretsManager({ providers: [missing.provider, second.provider] })
    const value = await secrets.getSecretValue('token')
    expect([value.reveal(), value.provider, value.degraded, value.stale]).toEqual(['second', 'second', false, false])
    expect(warnings).toEqual([])
  })

  it.each(asksNext)('%s makes the next store answer, degraded', async (code) => {
    const { first, second, third, secrets } = chain()
    first.plan = failing(code)
    const value = await secrets.getSecretValue('token')
    expect([value.reveal(), value.degraded, value.stale]).toEqual(['second', true, false])
    second.plan = failing(code)
    await vi.advanceTimersByTimeAsync(700_000)
    const later = await secrets.getSecretValue('token')
    expect([later.reveal(), later.degraded, third.provider.calls('get')]).toEqual(['third', true, 1])
  })

  it('UNSUPPORTED makes the next store answer, not degraded', async () => {
    const { first, secrets } = chain()
    first.plan = failing('UNSUPPORTED')
    const value = await secrets.getSecretValue('token')
    expect([value.reveal(), value.degraded, warnings]).toEqual(['second', false, []])
  })

  it.each(stops)('%s ends the call, and no later store is asked', async (code) => {
    const { first, second, third, secrets } = chain()
    first.plan = failing(code)
    const error = await failureOf(secrets.getSecret('token'))
    expect([error.code, error.secret, error.provider]).toEqual([code, 'token', 'first'])
    expect(second.provider.calls() + third.provider.calls()).toBe(0)
  })

  it.each(stops)('%s ends the call at the second store too', async (code) => {
    const { first, second, third, secrets } = chain()
    first.plan = failing('UNAVAILABLE')
    second.plan = failing(code)
    const error = await failureOf(secrets.getSecret('token'))
    expect([error.code, error.provider, third.provider.calls()]).toEqual([code, 'second', 0])
  })

  it('PERMISSION_DENIED names the provider and how to route the name away', async () => {
    const { first, secrets } = chain()
    first.plan = failing('PERMISSION_DENIED')
    expect((await failureOf(secrets.getSecret('token'))).message).toMatch(
      /Secret 'token', provider 'first'.*away from 'first' with names and onlyNamed/,
    )
  })

  it('an unknown code ends the call', async () => {
    const { first, second, secrets } = chain()
    first.plan = failing('FROM_THE_FUTURE' as SecretsErrorCode) // what a later version could send
    expect([await codeOf(secrets.getSecret('token')), second.provider.calls()]).toEqual(['FROM_THE_FUTURE', 0])
  })

  it('AUDIT_FAILED ends the call as such', async () => {
    const { first, second, secrets } = chain()
    first.plan = failing('AUDIT_FAILED')
    expect([await codeOf(secrets.getSecret('token')), second.provider.calls()]).toEqual(['AUDIT_FAILED', 0])
  })

  it.each(['NOT_FOUND', 'ABORTED'] as const)(
    'by rejecting with %s, which is not for a provider to say, ends the call as a failure of the provider',
    async (code) => {
      const { first, second, secrets } = chain()
      first.plan = failing(code)
      expect([await codeOf(secrets.getSecret('token')), second.provider.calls()]).toEqual(['INTERNAL', 0])
    },
  )

  it('an error of another copy of core is recognised by its marker', async () => {
    const { first, secrets } = chain()
    const error = (code: string): Error =>
      Object.assign(new Error('from elsewhere'), { code, [Symbol.for('@finchat/secrets/error')]: true })
    first.plan = () => faults.throwForeign(error('UNAVAILABLE'))
    expect((await secrets.getSecretValue('token')).degraded).toBe(true)
    first.plan = () => faults.throwForeign(error('PERMISSION_DENIED'))
    expect(await failureOf(secrets.getSecret('other'))).toMatchObject({
      code: 'PERMISSION_DENIED',
      provider: 'first',
      message: expect.stringContaining('from elsewhere'),
    })
  })

  it.each([
    ['an error of its own', Object.assign(new Error('canary-in-a-message'), { config: { headers: { token: 'canary-in-a-message' } } })],
    ['an error with a telling name', Object.assign(new Error('x'), { name: 'canary-in-a-message' })],
    ['an error with a cause', new TypeError('x', { cause: 'canary-in-a-message' })],
    ['text', 'canary-in-a-message'],
    ['nothing', undefined],
  ])('with %s instead of a SecretsError ends the call, and nothing of it gets out', async (_, foreign) => {
    const { first, second, secrets } = chain()
    first.plan = () => faults.throwForeign(foreign)
    const error = await failureOf(secrets.getSecret('token'))
    expect([error.code, error.provider, error.cause, second.provider.calls()]).toEqual(['INTERNAL', 'first', undefined, 0])
    expect(leaksOf(error, 'canary-in-a-message')).toEqual([])
  })

  it.each([null, 'text', {}, { value: 5 }, { value: 'v', version: 0 }, { value: 'v', version: '1' }, { value: null }])(
    'with %j, which is no secret, ends the call',
    async (garbage) => {
      const { first, second, secrets } = chain()
      first.plan = () => faults.answer(garbage)
      expect([await codeOf(secrets.getSecret('token')), second.provider.calls()]).toEqual(['INTERNAL', 0])
    },
  )
})

describe('the fallback policy', () => {
  const overridable = [...asksNext, 'UNSUPPORTED', ...stops] as const

  it.each(overridable)('can stop at %s, for the manager or for a call', async (code) => {
    const fallback: FallbackPolicy = { [code]: 'stop' }
    for (const { first, second, secrets, read } of [
      { ...chain({ fallback }), read: {} },
      { ...chain(), read: { fallback } },
    ]) {
      first.plan = failing(code)
      expect([await codeOf(secrets.getSecret('token', read)), second.provider.calls()]).toEqual([code, 0])
    }
  })

  it.each(overridable)('can go on at %s, for the manager or for a call', async (code) => {
    const fallback: FallbackPolicy = { [code]: 'next' }
    for (const { first, secrets, read } of [
      { ...chain({ fallback }), read: {} },
      { ...chain(), read: { fallback } },
    ]) {
      first.plan = failing(code)
      const value = await secrets.getSecretValue('token', read)
      expect([value.reveal(), value.degraded]).toEqual(['second', code !== 'UNSUPPORTED'])
    }
  })

  it('of a call overrides that of the manager, row by row', async () => {
    const { first, second, secrets } = chain({ fallback: { PERMISSION_DENIED: 'next', UNAVAILABLE: 'stop' } })
    first.plan = failing('PERMISSION_DENIED')
    second.plan = failing('UNAVAILABLE')
    expect(await codeOf(secrets.getSecret('token'))).toBe('UNAVAILABLE')
    expect(await secrets.getSecret('token', { fallback: { UNAVAILABLE: 'next' } })).toBe('third')
    expect(await codeOf(secrets.getSecret('token', { fallback: { PERMISSION_DENIED: 'stop' } }))).toBe('PERMISSION_DENIED')
    expect(await secrets.getSecret('token', { fallback: { PERMISSION_DENIED: undefined, UNAVAILABLE: 'next' } })).toBe('third')
  })

  it.each<[string, (secrets: SecretsManager, fallback: FallbackPolicy) => Promise<unknown>]>([
    ['getSecret', (secrets, fallback) => secrets.getSecret('token', { fallback })],
    ['getSecrets', (secrets, fallback) => secrets.getSecrets(['token'], { fallback })],
    ['describeSecret', (secrets, fallback) => secrets.describeSecret('token', { fallback })],
  ])('of %s is the one that was passed, whatever becomes of the object', async (_, call) => {
    const { first, secrets } = chain()
    first.plan = failing('PERMISSION_DENIED')
    const fallback: { PERMISSION_DENIED: 'next' | 'stop' } = { PERMISSION_DENIED: 'next' }
    const answer = call(secrets, fallback)
    fallback.PERMISSION_DENIED = 'stop'
    await expect(answer).resolves.toBeDefined()
  })

  it.each<Record<string, string>>([
    { ABORTED: 'next' },
    { NOT_FOUND: 'stop' },
    { AUDIT_FAILED: 'next' },
    { TYPO: 'next' },
    { UNAVAILABLE: 'maybe' },
    { constructor: 'next' },
  ])('cannot be %j', async (policy) => {
    const fallback = policy as FallbackPolicy // what JavaScript could pass
    expect(() => chain({ fallback })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    const { first, secrets } = chain()
    expect([await codeOf(secrets.getSecret('token', { fallback })), first.provider.calls()]).toEqual(['CONFIGURATION', 0])
  })
})

describe('not found', () => {
  it('is the answer only if every provider said so', async () => {
    const [first, second] = [breakable({ name: 'first' }), breakable({ name: 'second' })]
    const secrets = createSecretsManager({ providers: [first.provider, second.provider] })
    first.plan = failing('UNAVAILABLE')
    const error = await failureOf(secrets.getSecret('token'))
    expect(error).not.toBeInstanceOf(SecretNotFoundError)
    expect([error.code, error.secret]).toEqual(['UNAVAILABLE', 'token'])
    expect(error.attempts).toEqual([
      { provider: 'first', code: 'UNAVAILABLE', durationMs: 0, message: 'a fault on purpose (UNAVAILABLE)', retryAt: now + 250 },
      { provider: 'second', code: 'NOT_FOUND', durationMs: 0 },
    ])
    expect(error.message).toContain('is not known: first said UNAVAILABLE, a fault on purpose')
  })

  it.each(asksNext)('is not the answer if the last store fails with %s', async (code) => {
    const [first, second] = [breakable({ name: 'first' }), breakable({ name: 'second' })]
    second.plan = failing(code)
    const error = await failureOf(createSecretsManager({ providers: [first.provider, second.provider] }).getSecret('token'))
    expect([error.code, error.attempts?.map((attempt) => attempt.code)]).toEqual(['UNAVAILABLE', ['NOT_FOUND', code]])
  })

  it('is not the answer for a version while an earlier store is unreachable', async () => {
    const { first, secrets } = chain()
    first.plan = failing('UNAVAILABLE')
    const error = await failureOf(secrets.getSecret('token', { version: 5 }))
    expect(error).not.toBeInstanceOf(SecretNotFoundError)
    expect([error.code, error.attempts?.map(({ provider, code }) => `${provider} ${code}`)]).toEqual([
      'UNAVAILABLE',
      ['first UNAVAILABLE', 'second NOT_FOUND'],
    ])
  })

  it('reports how long each provider took', async () => {
    const first = breakable({ name: 'first' })
    first.plan = () => faults.delay(30)
    const error = failureOf(createSecretsManager({ providers: [first.provider] }).getSecret('token'))
    await vi.advanceTimersByTimeAsync(30)
    expect((await error).attempts).toEqual([{ provider: 'first', code: 'NOT_FOUND', durationMs: 30 }])
  })
})

describe('degraded and stale', () => {
  /** What the tracing channel of reads said at the end of each. */
  function traced(run: () => Promise<void>): Promise<{ stale?: boolean; degraded?: boolean; provider?: string }[]> {
    const messages: object[] = []
    const listener = (message: unknown): void => void messages.push({ ...Object(message) })
    subscribe('tracing:finchat.secrets.get:asyncEnd', listener)
    return run()
      .then(() => messages)
      .finally(() => unsubscribe('tracing:finchat.secrets.get:asyncEnd', listener))
  }

  it('are marked on the value, the audit event and the trace message, also for cache hits', async () => {
    const audit = memoryAuditTrail()
    const { first, secrets } = chain({ audit })
    first.plan = failing('UNAVAILABLE')
    const marks: boolean[] = []
    const messages = await traced(async () => {
      for (let read = 0; read < 3; read++) marks.push((await secrets.getSecretValue('token')).degraded)
    })
    const marked = { provider: 'second', degraded: true, stale: false }
    expect(marks).toEqual([true, true, true])
    expect(audit.events()).toEqual([
      expect.objectContaining({ ...marked, from: 'store' }),
      expect.objectContaining({ ...marked, from: 'memory' }),
      expect.objectContaining({ ...marked, from: 'memory' }),
    ])
    expect(messages).toEqual([expect.objectContaining(marked), expect.objectContaining(marked), expect.objectContaining(marked)])
  })

  it("prefer the first store's last answer to that of a later store", async () => {
    const audit = memoryAuditTrail()
    const { first, second, secrets } = chain({ audit })
    await secrets.getSecret('token')
    first.plan = failing('UNAVAILABLE')
    await vi.advanceTimersByTimeAsync(300_000)
    const messages = await traced(async () => {
      for (let read = 0; read < 2; read++) {
        const value = await secrets.getSecretValue('token')
        expect([value.reveal(), value.stale, value.degraded, value.age]).toEqual(['first', true, false, 300_000])
      }
    })
    const marked: Partial<AuditEvent> = { provider: 'first', stale: true, degraded: false }
    expect(audit.events().slice(1)).toEqual([expect.objectContaining(marked), expect.objectContaining(marked)])
    expect(messages).toEqual([expect.objectContaining(marked), expect.objectContaining(marked)])
    expect(second.provider.calls()).toBe(0)
  })

  it("are published when they happen, with the provider's code", async () => {
    const published: unknown[] = []
    const listener = (message: unknown): void => void published.push(message)
    subscribe('finchat.secrets.fallback', listener)
    const { first, secrets } = chain()
    first.plan = failing('RATE_LIMITED')
    await secrets.getSecret('token')
    unsubscribe('finchat.secrets.fallback', listener)
    const { manager } = managerStatus(secrets)
    expect(published).toEqual([{ manager, name: 'token', provider: 'first', code: 'RATE_LIMITED', answer: 'next' }])
  })

  it('end when the store is back', async () => {
    const { first, secrets } = chain()
    first.plan = failing('UNAVAILABLE')
    expect((await secrets.getSecretValue('token')).degraded).toBe(true)
    first.plan = () => undefined
    await vi.advanceTimersByTimeAsync(1_000)
    const value = await secrets.getSecretValue('token')
    expect([value.reveal(), value.degraded]).toEqual(['first', false])
  })
})

describe('one process warning', () => {
  it('mentions no later provider if there is none', async () => {
    const only = breakable({ name: 'only', secrets: { token: 'v' } })
    only.plan = failing('UNAVAILABLE')
    await failureOf(createSecretsManager({ providers: [only.provider] }).getSecret('token'))
    expect(warnings.map(({ message }) => message)).toEqual([
      "Secrets provider 'only' cannot be asked (UNAVAILABLE): answers are stale, or fail where none is held",
    ])
  })

  it('reports each outage once, however many reads meet it', async () => {
    const { first, secrets } = chain()
    for (const outage of [1, 2]) {
      first.plan = failing('UNAVAILABLE')
      for (let read = 0; read < 5; read++) {
        await secrets.getSecret('token', { fresh: true })
        await vi.advanceTimersByTimeAsync(120_000)
      }
      expect(warnings.length).toBe(outage)
      first.plan = () => undefined
      await secrets.getSecret('token', { fresh: true })
    }
    expect(warnings[0]).toEqual({ code: 'FINCHAT_SECRETS_DEGRADED', message: expect.stringMatching(/'first'.*UNAVAILABLE/) })
  })

  it('reports stale answers too, like the fallback channel', async () => {
    const published: unknown[] = []
    const listener = (message: unknown): void => void published.push(message)
    subscribe('finchat.secrets.fallback', listener)
    const { first, secrets } = chain()
    await secrets.getSecret('token')
    first.plan = failing('UNAVAILABLE')
    await vi.advanceTimersByTimeAsync(300_000)
    for (let read = 0; read < 3; read++) expect((await secrets.getSecretValue('token')).stale).toBe(true)
    unsubscribe('finchat.secrets.fallback', listener)
    expect(warnings).toHaveLength(1)
    const { manager } = managerStatus(secrets)
    expect(published).toEqual([1, 2, 3].map(() => ({ manager, name: 'token', provider: 'first', code: 'UNAVAILABLE', answer: 'stale' })))
  })

  it('reports an outage in batches, secret by secret', async () => {
    const down = { ...readOnly('down', async () => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))) }
    const getMany = vi.fn(async (paths: readonly string[]) =>
      Promise.allSettled(paths.map(() => Promise.reject(new SecretsError('UNAVAILABLE', 'down')))),
    )
    const secrets = createSecretsManager({ providers: [{ ...down, getMany }, chain().second.provider] })
    for (let batch = 0; batch < 8; batch++) {
      await secrets.getSecretValues([{ name: 'token' }, { name: 'other' }], { fresh: true })
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(warnings.length).toBe(1)
    expect(getMany.mock.calls.length).toBeLessThanOrEqual(6) // then it is left alone for 2 s
  })
})

describe('a cool-down', () => {
  const names = Array.from({ length: 20 }, (_, index) => `name-${index}`)

  it('begins after several outages in a row, and ends with one probe', async () => {
    const first = breakable({ name: 'first' })
    const secrets = createSecretsManager({
      providers: [first.provider, breakable({ name: 'second', secrets: Object.fromEntries(names.map((name) => [name, 'v'])) }).provider],
    })
    first.plan = failing('UNAVAILABLE')
    for (const name of names) expect((await secrets.getSecretValue(name)).degraded).toBe(true)
    const asked = first.provider.calls('get')
    expect(asked).toBeLessThan(10)

    await vi.advanceTimersByTimeAsync(30_000)
    await Promise.all(names.map((name) => secrets.getSecret(name)))
    expect(first.provider.calls('get')).toBe(asked + 1)

    await vi.advanceTimersByTimeAsync(30_000)
    first.plan = () => undefined
    await secrets.getSecret('name-0')
    await vi.advanceTimersByTimeAsync(1_000)
    for (const name of names) expect((await secrets.getSecretValue(name)).degraded).toBe(false)
  })

  it('is not caused by one bad name', async () => {
    const first = breakable({ name: 'first', secrets: { good: 'g' } })
    first.plan = ({ args }) => (args[0] === 'bad' ? faults.reject('UNAVAILABLE') : undefined)
    const secrets = createSecretsManager({ providers: [first.provider] })
    for (let read = 0; read < 20; read++) {
      await codeOf(secrets.getSecret('bad'))
      await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(await secrets.getSecret('good')).toBe('g')
  })

  it.each(['RATE_LIMITED', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'INTERNAL'] as const)('is not caused by %s', async (code) => {
    const first = breakable({ name: 'first', secrets: { good: 'g' } })
    first.plan = failing(code)
    const secrets = createSecretsManager({ providers: [first.provider] })
    for (const name of names) await codeOf(secrets.getSecret(name))
    expect(first.provider.calls('get')).toBe(names.length)
    first.plan = () => undefined
    expect(await secrets.getSecret('good')).toBe('g')
  })

  it('is caused by the first CREDENTIALS_MISSING, so other reads and writes do not wait again', async () => {
    const first = breakable({ name: 'first' })
    first.plan = failing('CREDENTIALS_MISSING')
    const second = breakable({ name: 'second', secrets: { good: 'g' } })
    const secrets = createSecretsManager({ providers: [first.provider, second.provider], writeTo: 'second' })
    for (const name of names) await codeOf(secrets.getSecret(name))
    expect((await secrets.getSecretValue('good')).degraded).toBe(true)
    await secrets.storeSecret('new', 'v')
    expect(first.provider.calls()).toBe(1)
    first.plan = () => undefined
    await vi.advanceTimersByTimeAsync(500)
    expect((await secrets.getSecretValue('good')).degraded).toBe(false)
  })

  it("is not caused by callers' aborts", async () => {
    const first = breakable({ name: 'first', secrets: { good: 'g' } })
    first.plan = () => faults.hang()
    const secrets = createSecretsManager({ providers: [first.provider], deadlineMs: 60_000 })
    for (const name of names) {
      const controller = new AbortController()
      const reading = codeOf(secrets.getSecret(name, { signal: controller.signal }))
      await vi.advanceTimersByTimeAsync(100)
      controller.abort()
      expect(await reading).toBe('ABORTED')
    }
    first.plan = () => undefined
    expect(await secrets.getSecret('good')).toBe('g')
  })

  it("is caused by the provider's deadline", async () => {
    const first = breakable({ name: 'first' })
    first.plan = () => faults.hang()
    const secrets = createSecretsManager({ providers: [first.provider], deadlineMs: 100 })
    for (const name of names) {
      const code = codeOf(secrets.getSecret(name))
      await vi.advanceTimersByTimeAsync(100)
      expect(await code).toBe('UNAVAILABLE')
    }
    expect(first.provider.calls('get')).toBeLessThan(10)
  })

  it('is not ended by a health check, which is no probe', async () => {
    const first = breakable({ name: 'first', secrets: { good: 'g' } })
    first.plan = ({ method }) => (method === 'get' ? faults.reject('UNAVAILABLE') : undefined)
    const secrets = createSecretsManager({ providers: [first.provider] })
    for (const name of names) await codeOf(secrets.getSecret(name))
    const asked = first.provider.calls('get')
    expect((await secrets.checkHealth()).ok).toBe(true)
    await codeOf(secrets.getSecret('another'))
    expect(first.provider.calls('get')).toBe(asked)
    first.plan = () => undefined
    await vi.advanceTimersByTimeAsync(10_000)
    await secrets.checkHealth()
    expect(await secrets.getSecret('good')).toBe('g')
  })
})

describe('throttling', () => {
  it('is respected: before `retryAt` the store is not asked for that secret again', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { first, secrets } = chain()
    first.plan = failing('RATE_LIMITED', { retryAt: now + 90_000 })
    expect((await secrets.getSecretValue('token')).degraded).toBe(true)
    first.plan = () => undefined
    await vi.advanceTimersByTimeAsync(89_999)
    expect((await secrets.getSecretValue('token')).degraded).toBe(true)
    expect(first.provider.calls('get')).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect((await secrets.getSecretValue('token')).reveal()).toBe('first')
  })
})

describe('a hung provider', () => {
  it('costs its deadline and no more', async () => {
    const { first, secrets } = chain({ deadlineMs: 200 })
    first.plan = () => faults.hang()
    const reading = secrets.getSecretValue('token')
    await vi.advanceTimersByTimeAsync(200)
    const value = await reading
    expect([value.reveal(), value.degraded, Date.now() - now]).toEqual(['second', true, 200])
  })

  it.each([
    ['50 ms', {}, 50],
    ['a quarter of the deadline if memory does not hold what a later provider has', { autoCleanup: true }, 1_000],
  ])('costs later reads %s', async (_, options, ms) => {
    const { first, secrets } = chain({ deadlineMs: 4_000, ...options })
    first.plan = () => faults.hang()
    const before = secrets.getSecret('token')
    await vi.advanceTimersByTimeAsync(4_500)
    expect(await before).toBe('second')
    const [began, reading] = [Date.now(), secrets.getSecret('token').then(() => Date.now())]
    await vi.advanceTimersByTimeAsync(4_000)
    expect((await reading) - began).toBe(ms)
  })

  it('that ignores its signal costs no more, and its late answer is not used', async () => {
    const late = Promise.withResolvers<{ value: string }>()
    const secrets = createSecretsManager({ providers: [readOnly('deaf', () => late.promise), chain().second.provider], deadlineMs: 200 })
    const reading = secrets.getSecret('token')
    await vi.advanceTimersByTimeAsync(200)
    expect(await reading).toBe('second')
    late.resolve({ value: 'late' })
    await vi.advanceTimersByTimeAsync(0)
    expect(await secrets.getSecret('token')).toBe('second')
  })

  it('gets the deadline through its signal', async () => {
    const signals: AbortSignal[] = []
    const hung = readOnly('hung', (_, { signal }) => (signals.push(signal), new Promise(() => {})))
    const code = codeOf(createSecretsManager({ providers: [hung], deadlineMs: 200 }).getSecret('token'))
    await vi.advanceTimersByTimeAsync(199)
    expect(signals[0]?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect([await code, signals[0]?.aborted]).toEqual(['UNAVAILABLE', true])
  })

  it('keeps waiting readers until the deadline, while others abort at once', async () => {
    const { first, secrets } = chain({ deadlineMs: 200 })
    first.plan = () => faults.hang()
    const controller = new AbortController()
    const [patient, impatient] = [secrets.getSecret('token'), codeOf(secrets.getSecret('token', { signal: controller.signal }))]
    await vi.advanceTimersByTimeAsync(50)
    controller.abort()
    expect([await impatient, Date.now() - now]).toEqual(['ABORTED', 50])
    await vi.advanceTimersByTimeAsync(150)
    expect([await patient, first.provider.calls()]).toEqual(['second', 1])
  })

  it("does not turn the caller's abort into an outage", async () => {
    const { first, second, secrets } = chain()
    first.plan = () => faults.hang()
    const controller = new AbortController()
    const code = codeOf(secrets.getSecret('token', { signal: controller.signal }))
    controller.abort()
    expect([await code, second.provider.calls(), warnings]).toEqual(['ABORTED', 0, []])
  })
})

describe('routing by onlyNamed', () => {
  it('keeps denials of one provider away from the names of another', async () => {
    const named = breakable({ name: 'named', secrets: { 'prod/token': 'named' }, names: { token: 'prod/token' }, onlyNamed: true })
    named.plan = ({ args }) => (args[0] === 'prod/token' ? undefined : faults.reject('PERMISSION_DENIED'))
    const rest = breakable({ name: 'rest', secrets: { token: 'rest', other: 'rest' } })
    const secrets = createSecretsManager({ providers: [named.provider, rest.provider] })
    expect([await secrets.getSecret('token'), await secrets.getSecret('other')]).toEqual(['named', 'rest'])
    expect(await codeOf(secrets.getSecret('missing'))).toBe('NOT_FOUND')
    expect(named.provider.calls()).toBe(1)
  })

  it('never finds a secret in a later store if its own store denies it', async () => {
    const named = breakable({ name: 'named', names: { token: 'prod/token' }, onlyNamed: true })
    named.plan = failing('PERMISSION_DENIED')
    const rest = breakable({ name: 'rest', secrets: { token: 'rest' } })
    expect(await codeOf(createSecretsManager({ providers: [named.provider, rest.provider] }).getSecret('token'))).toBe('PERMISSION_DENIED')
    expect(rest.provider.calls()).toBe(0)
  })
})
