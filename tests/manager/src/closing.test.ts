import { createSecretsManager, loadSecrets, SecretsError, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { faults, leaksOf, memoryAuditTrail, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { all, breakable, codeOf, failureOf, readOnly } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const calls: Record<string, (secrets: SecretsManager) => Promise<unknown>> = {
  getSecret: (secrets) => secrets.getSecret('token'),
  'getSecret with options': (secrets) => secrets.getSecret('token', { fresh: true }),
  getSecretValue: (secrets) => secrets.getSecretValue('token'),
  getSecrets: (secrets) => secrets.getSecrets(['token', 'other']),
  getSecretValues: async (secrets) => {
    const [outcome] = await secrets.getSecretValues([{ name: 'token' }])
    if (outcome?.status === 'rejected') throw outcome.reason
  },
  loadSecrets: (secrets) => loadSecrets(secrets, { token: {} }),
  verifySecret: (secrets) => secrets.verifySecret('token', 'v'),
  storeSecret: (secrets) => secrets.storeSecret('token', 'v'),
  rotateSecret: (secrets) => secrets.rotateSecret('token', 'v'),
  deleteSecret: (secrets) => secrets.deleteSecret('token'),
  restoreSecret: (secrets) => secrets.restoreSecret('token'),
  tagSecret: (secrets) => secrets.tagSecret('token', {}),
  describeSecret: (secrets) => secrets.describeSecret('token'),
  listSecrets: (secrets) => all(secrets.listSecrets()),
  checkHealth: (secrets) => secrets.checkHealth(),
}

describe('after close()', () => {
  it.each(Object.entries(calls))('%s is refused, though what it asks for was held', async (_, call) => {
    const store = breakable({ secrets: { token: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider] })
    await secrets.getSecretValue('token')
    await secrets.close()
    const asked = store.provider.calls()
    expect(await codeOf(call(secrets))).toBe('ABORTED')
    expect(store.provider.calls()).toBe(asked)
  })

  it('held values can no longer be revealed, and never read as zeros', async () => {
    const store = memoryProvider({
      secrets: { token: 'v', key: Uint8Array.of(1, 2), json: '{"a":"b"}', map: { value: '{"only":"o"}', shape: 'map' } },
    })
    const secrets = createSecretsManager({ providers: [store], cache: { maxEntries: 2 } })
    const values = [
      ...(await Promise.all(['token', 'key', 'json', 'map'].map((name) => secrets.getSecretValue(name)))),
      await secrets.getSecretValue('json', { field: 'a' }),
      await secrets.getSecretValue('token', { autoCleanup: true }),
      await secrets.getSecretValue('json', { field: 'a', autoCleanup: true }),
      await secrets.getSecretValue('token', { version: 1 }),
    ]
    await secrets.close()
    for (const value of values) {
      for (const use of [() => value.reveal(), () => value.bytes(), () => value.json()])
        expect(use).toThrow(expect.objectContaining({ code: 'ABORTED' }))
      expect([value.provider, value.version, value.stale]).toEqual(['memory', 1, false])
    }
  })

  it('nothing is left to run', async () => {
    const store = breakable({ secrets: { token: 'v' }, sharedAs: 'store' })
    const secrets = createSecretsManager({
      providers: [store.provider],
      cache: { shared: memorySharedCache({ plan: (call) => (call === 'fill' ? 'hang' : undefined) }) },
    })
    await secrets.getSecret('token')
    const closing = secrets.close()
    await vi.advanceTimersByTimeAsync(5_000)
    await closing
    await vi.advanceTimersByTimeAsync(0)
    expect([vi.getTimerCount(), secrets.cacheStats().entries]).toEqual([0, 0])
  })
})

describe('close()', () => {
  it('refuses new calls at once and waits for those that run, which get their answers', async () => {
    const store = breakable({ secrets: { token: 'v' } })
    store.plan = ({ method }) => (['get', 'put'].includes(method) ? faults.delay(1_000) : undefined)
    const secrets = createSecretsManager({ providers: [store.provider] })
    const [reading, writing] = [secrets.getSecret('token'), secrets.storeSecret('new', 'v')]
    await vi.advanceTimersByTimeAsync(10)
    let isClosed = false
    const closing = secrets.close().then(() => (isClosed = true))
    expect(await codeOf(secrets.getSecret('other'))).toBe('ABORTED')
    await vi.advanceTimersByTimeAsync(900)
    expect(isClosed).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([await reading, (await writing).version, await closing]).toEqual(['v', 1, true])
  })

  it.each<[number | undefined, number]>([
    [undefined, 5_000],
    [50, 50],
  ])('gives up on what still runs after timeoutMs: %s', async (timeoutMs, ends) => {
    const signals: AbortSignal[] = []
    const hung = readOnly('hung', (_path, { signal }) => (signals.push(signal), new Promise(() => {})))
    const secrets = createSecretsManager({ providers: [hung], deadlineMs: 60_000 })
    const reading = codeOf(secrets.getSecret('token'))
    await vi.advanceTimersByTimeAsync(0)
    const closing = secrets.close({ timeoutMs })
    await vi.advanceTimersByTimeAsync(ends)
    await closing
    expect([await reading, signals[0]?.aborted, Date.now() - now]).toEqual(['ABORTED', true, ends])
  })

  it('says of a write on which it gave up that its effect is unknown', async () => {
    const store = breakable()
    store.plan = ({ method }) => (method === 'put' ? faults.hang() : undefined)
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 60_000 })
    const writing = failureOf(secrets.storeSecret('token', 'v'))
    await vi.advanceTimersByTimeAsync(0)
    const closing = secrets.close()
    await vi.advanceTimersByTimeAsync(5_000)
    await closing
    expect(await writing).toMatchObject({ code: 'ABORTED', effect: 'unknown' })
  })

  it('says of a read on which it gave up that the manager was closed, not that the caller gave up', async () => {
    const store = breakable()
    store.plan = () => faults.hang()
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 60_000 })
    const describing = failureOf(secrets.describeSecret('token'))
    const closing = secrets.close({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    await closing
    expect(await describing).toMatchObject({ code: 'ABORTED', problem: 'the secrets manager is closed' })
  })

  it('records the outcome of a write on which it gave up, before the trail is closed', async () => {
    const store = breakable()
    store.plan = ({ method }) => (method === 'put' ? faults.hang() : undefined)
    const trail = memoryAuditTrail()
    const secrets = createSecretsManager({ providers: [store.provider], audit: trail, deadlineMs: 60_000 })
    const writing = failureOf(secrets.storeSecret('token', 'v'))
    await vi.advanceTimersByTimeAsync(0)
    const closing = secrets.close({ timeoutMs: 10 })
    await vi.advanceTimersByTimeAsync(10)
    await closing
    expect(await writing).toMatchObject({ code: 'ABORTED', effect: 'unknown' })
    expect(trail.events().map(({ phase, code }) => [phase, code])).toEqual([
      ['intent', undefined],
      ['outcome', 'ABORTED'],
    ])
  })

  it.each(['put', 'describe'])(
    'records the outcome of a write that it gave up on at its %s, by a trail that takes its time',
    async (hanging) => {
      const store = breakable()
      store.plan = ({ method }) => (method === hanging ? faults.hang() : undefined)
      const trail = memoryAuditTrail()
      const record: typeof trail.record = async (event, context) => {
        if (event.phase === 'outcome') await new Promise((resolve) => setTimeout(resolve, 5))
        if (!context.signal.aborted) await trail.record(event, context)
      }
      const secrets = createSecretsManager({ providers: [store.provider], audit: { ...trail, record }, deadlineMs: 60_000 })
      const writing = codeOf(secrets.rotateSecret('token', 'v'))
      await vi.advanceTimersByTimeAsync(0)
      const closing = secrets.close({ timeoutMs: 10 })
      await vi.advanceTimersByTimeAsync(20)
      await closing
      expect([await writing, trail.events().map(({ phase }) => phase)]).toEqual(['ABORTED', ['intent', 'outcome']])
    },
  )

  it('tells the shared cache of a write that ends while it waits, though that takes longer than the wait', async () => {
    const store = breakable({ sharedAs: 'store', secrets: { token: 'old' } })
    store.plan = ({ method }) => (method === 'put' ? faults.delay(90) : undefined)
    const shared = memorySharedCache()
    const slow: typeof shared.invalidate = async (path, context) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      if (!context.signal.aborted) await shared.invalidate(path, context)
    }
    const reader = createSecretsManager({ providers: [store.provider], cache: { shared: shared.anotherProcess() } })
    await reader.getSecret('token')
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared: { ...shared, invalidate: slow } } })
    const writing = secrets.rotateSecret('token', 'new')
    const closing = secrets.close({ timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(140)
    await closing
    expect([(await writing).version, await reader.getSecret('token')]).toEqual([2, 'new'])
  })

  it.each([Infinity, 2 ** 31, -1, NaN, 'soon'])('refuses to wait for %s, and stays to be closed', async (timeoutMs) => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'v' } })] })
    expect(await codeOf(secrets.close({ timeoutMs: timeoutMs as number }))).toBe('INVALID_ARGUMENT') // what JavaScript could pass
    expect(await codeOf(secrets.close(null as never))).toBe('INVALID_ARGUMENT') // what JavaScript could pass
    expect(await secrets.getSecret('token')).toBe('v')
    await secrets.close()
    expect(await codeOf(secrets.getSecret('token'))).toBe('ABORTED')
  })

  it('ends a refresh in the background too', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const store = breakable({ secrets: { token: 'v' } })
    const secrets = createSecretsManager({ providers: [store.provider], deadlineMs: 60_000 })
    await secrets.getSecret('token')
    store.plan = ({ method }) => (method === 'get' ? faults.hang() : undefined)
    vi.setSystemTime(now + 250_000)
    await secrets.getSecret('token')
    await secrets.close()
    await vi.advanceTimersByTimeAsync(0)
    expect([vi.getTimerCount(), secrets.cacheStats().entries]).toEqual([0, 0])
  })

  it('ends providers and shared cache after the calls, and the audit trail, which hears of all, last', async () => {
    const order: string[] = []
    const ends = (name: string) => async (): Promise<void> => void order.push(name)
    const store = breakable({ secrets: { token: 'v' } })
    store.plan = () => faults.delay(100)
    const audit = { ...memoryAuditTrail(), record: async () => void order.push('recorded'), close: ends('audit') }
    const providers = [
      { ...store.provider, close: ends('store') },
      { ...memoryProvider({ name: 'other' }), close: ends('other') },
    ]
    const secrets = createSecretsManager({ providers, audit, cache: { shared: { ...memorySharedCache(), close: ends('shared') } } })
    const reading = secrets.getSecret('token')
    const closing = secrets.close()
    await vi.advanceTimersByTimeAsync(100)
    await Promise.all([reading, closing])
    expect([order[0], order.slice(1, -1).toSorted(), order.at(-1)]).toEqual(['recorded', ['other', 'shared', 'store'], 'audit'])
  })

  it.each<[string, () => Promise<void>]>([
    ['fails', () => Promise.reject(new SecretsError('UNAVAILABLE', 'no'))],
    ['fails with an error of its own', () => Promise.reject(new Error('canary-of-closing'))],
    [
      'throws',
      () => {
        throw new Error('canary-of-closing')
      },
    ],
    ['hangs', () => new Promise(() => {})],
  ])('ends all others and wipes where one provider %s, and says which', async (_, close) => {
    const ended = vi.fn(async () => {})
    const providers = [
      { ...memoryProvider({ name: 'bad' }), close },
      { ...memoryProvider({ name: 'good', secrets: { token: 'v' } }), close: ended },
    ]
    const secrets = createSecretsManager({
      providers,
      audit: { ...memoryAuditTrail(), close: ended },
      cache: { shared: { ...memorySharedCache(), close: ended } },
    })
    const value = await secrets.getSecretValue('token')
    const closing = failureOf(secrets.close())
    await vi.advanceTimersByTimeAsync(5_000)
    const error = await closing
    expect([error.code, error.effect, error.message]).toEqual(['UNAVAILABLE', 'done', expect.stringContaining('bad')])
    expect(error.message).not.toContain('good')
    expect(leaksOf(error, 'canary-of-closing')).toEqual([])
    expect(ended).toHaveBeenCalledTimes(3)
    expect(() => value.reveal()).toThrow('wiped')
  })

  it('may be called twice, and ends everything once', async () => {
    const close = vi.fn(async () => {})
    const secrets = createSecretsManager({ providers: [{ ...memoryProvider(), close }] })
    await Promise.all([secrets.close(), secrets.close()])
    await secrets.close({ timeoutMs: 1 })
    await secrets[Symbol.asyncDispose]()
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('is what `await using` calls at the end of the block', async () => {
    const close = vi.fn(async () => {})
    {
      await using secrets = createSecretsManager({ providers: [{ ...memoryProvider({ secrets: { token: 'v' } }), close }] })
      expect(await secrets.getSecret('token')).toBe('v')
      expect(close).not.toHaveBeenCalled()
    }
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('needs nothing of providers that have nothing to end', async () => {
    await expect(createSecretsManager({ providers: [readOnly('plain', async () => undefined)] }).close()).resolves.toBeUndefined()
  })
})

describe('checkHealth()', () => {
  const healthy = (name: string, checkHealth: SecretProvider['checkHealth']): SecretProvider => ({
    ...readOnly(name, async () => undefined),
    checkHealth,
  })

  it('tells of each provider whether it is ok, and how long it took, and reads no secret', async () => {
    const store = breakable({ name: 'store', secrets: { token: 'v' } })
    store.plan = () => faults.delay(20)
    const secrets = createSecretsManager({
      providers: [
        store.provider,
        healthy('bad', () => Promise.reject(new SecretsError('UNAUTHENTICATED', 'the token expired'))),
        readOnly('plain', async () => undefined),
      ],
    })
    const checking = secrets.checkHealth()
    await vi.advanceTimersByTimeAsync(20)
    expect(await checking).toEqual({
      ok: false,
      checkedAt: now + 20,
      providers: {
        store: { status: 'ok', durationMs: 20 },
        bad: { status: 'failed', durationMs: 0, code: 'UNAUTHENTICATED', message: expect.stringContaining('the token expired') },
        plain: { status: 'unchecked', durationMs: 0 },
      },
    })
    expect([store.provider.calls('checkHealth'), store.provider.calls()]).toEqual([1, 1])
  })

  it('is one check for all who ask at once, and remembered for 10 s', async () => {
    const checkHealth = vi.fn(async () => {})
    const secrets = createSecretsManager({ providers: [healthy('store', checkHealth)] })
    await Promise.all(Array.from({ length: 100 }, () => secrets.checkHealth()))
    vi.setSystemTime(now + 9_999)
    await secrets.checkHealth()
    expect(checkHealth).toHaveBeenCalledTimes(1)
    vi.setSystemTime(now + 10_000)
    expect((await secrets.checkHealth()).checkedAt).toBe(now + 10_000)
    expect(checkHealth).toHaveBeenCalledTimes(2)
  })

  it('is not remembered by a clock that went back', async () => {
    const checkHealth = vi.fn(async () => {})
    const secrets = createSecretsManager({ providers: [healthy('store', checkHealth)] })
    await secrets.checkHealth()
    vi.setSystemTime(now - 3_600_000)
    await secrets.checkHealth()
    expect(checkHealth).toHaveBeenCalledTimes(2)
  })

  it('is bounded by the deadline, for all providers at once', async () => {
    const hung = (name: string): SecretProvider => healthy(name, () => new Promise(() => {}))
    const checking = createSecretsManager({ providers: [hung('one'), hung('two')], deadlineMs: 100 }).checkHealth()
    await vi.advanceTimersByTimeAsync(100)
    const failed = expect.objectContaining({ status: 'failed', code: 'DEADLINE_EXCEEDED', durationMs: 100 })
    expect(await checking).toMatchObject({ ok: false, providers: { one: failed, two: failed } })
  })

  it('lets nothing of a foreign error out', async () => {
    const report = await createSecretsManager({
      providers: [healthy('store', () => Promise.reject(new Error('canary-of-health')))],
    }).checkHealth()
    expect(report.providers['store']).toMatchObject({ status: 'failed', code: 'INTERNAL' })
    expect(leaksOf(report, 'canary-of-health')).toEqual([])
  })
})
