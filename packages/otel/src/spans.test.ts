import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { nameDigest } from '@finchat/secrets-core/sealing'
import { faults, memoryProvider } from '@finchat/secrets-testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { pass, trial } from './testing/trial.ts'

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
afterAll(() => context.disable())
beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ['Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a span', () => {
  test('tells of an operation who answered, from where, and by which steps', async () => {
    const later = memoryProvider({ name: 'later', secrets: { db: 'v' } })
    const made = await trial({ manager: 'payments' }, { providers: [later] })
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db')
    const [span, ...others] = made.spans()
    expect([span?.name, others, span?.status.code]).toEqual(['finchat.secrets.get', [], SpanStatusCode.UNSET])
    expect(span?.attributes).toEqual({
      'finchat.secrets.manager.name': 'payments',
      'finchat.secrets.operation.name': 'get',
      'finchat.secrets.provider.name': 'later',
      'finchat.secrets.source': 'store',
      'finchat.secrets.degraded': true,
      'finchat.secrets.secret.version': 1,
      'finchat.secrets.steps': [expect.stringMatching(/^store UNAVAILABLE \d+ ms$/), expect.stringMatching(/^later ok \d+ ms$/)],
    })
  })

  test('is made for a write and a failure, and for no read that memory answers', async () => {
    const { secrets, spans } = await trial()
    await secrets.getSecret('db')
    for (let reads = 0; reads < 100; reads++) await secrets.getSecret('db')
    await secrets.rotateSecret('db', 'next')
    await secrets.getSecret('missing').catch(() => {})
    await secrets.getSecret('missing').catch(() => {})
    const names = spans().map(({ name, status }) => `${name} ${status.message ?? 'ok'}`)
    expect(names).toEqual(['finchat.secrets.get ok', 'finchat.secrets.rotate ok', ...Array(2).fill('finchat.secrets.get NOT_FOUND')])
  })

  test('of a failure has its code, and nothing of its message', async () => {
    const made = await trial()
    made.plan = () => faults.reject('PERMISSION_DENIED', { storeStatus: 'h1nt' })
    await made.secrets.getSecret('db').catch(() => {})
    const [span] = made.spans()
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'PERMISSION_DENIED' })
    expect([span?.attributes['error.type'], span?.events]).toEqual(['PERMISSION_DENIED', []])
  })

  test('is part of the request that asked, and takes its time', async () => {
    vi.useRealTimers()
    const made = await trial()
    made.plan = () => faults.delay(50)
    const request = made.tracer.startSpan('request')
    await context.with(trace.setSpan(ROOT_CONTEXT, request), () => made.secrets.getSecret('db'))
    request.end()
    const [span, parent] = made.spans()
    expect(span?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId)
    expect(span?.spanContext().traceId).toBe(parent?.spanContext().traceId)
    const [seconds = 0, nanoseconds = 0] = span?.duration ?? []
    expect(seconds * 1000 + nanoseconds / 1e6).toBeGreaterThanOrEqual(49)
  })

  test('of a background refresh is its own root, linked to the request that began it', async () => {
    const made = await trial()
    await made.secrets.getSecret('db')
    pass(9)
    const request = made.tracer.startSpan('request')
    await context.with(trace.setSpan(ROOT_CONTEXT, request), () => made.secrets.getSecret('db'))
    await vi.waitFor(() => expect(made.spans().map(({ name }) => name)).toEqual(['finchat.secrets.get', 'finchat.secrets.refresh']), 20_000)
    const refresh = made.spans()[1]
    expect([refresh?.parentSpanContext, refresh?.links.map(({ context: { spanId } }) => spanId)]).toEqual([
      undefined,
      [request.spanContext().spanId],
    ])
    expect(refresh?.attributes['finchat.secrets.provider.name']).toBe('store')
  })

  test('of a background refresh that failed has its code', async () => {
    const made = await trial()
    await made.secrets.getSecret('db')
    pass(9)
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db')
    await vi.waitFor(() => expect(made.spans()).toHaveLength(2), 20_000)
    expect(made.spans()[1]?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'UNAVAILABLE' })
    expect((await made.scrape()).value('operation_duration_count', { operation_name: 'refresh', error_type: 'UNAVAILABLE' })).toBe(1)
  })

  test('is ended once if its caller aborts, and readers who wait for its call have none', async () => {
    vi.useRealTimers()
    const made = await trial()
    made.plan = () => faults.delay(30)
    await Promise.all(['db', 'db', 'db'].map((each) => made.secrets.getSecret(each)))
    const signal = AbortSignal.timeout(5)
    await made.secrets.getSecret('other', { signal }).catch(() => {})
    await made.secrets.close()
    expect(made.spans().map(({ status }) => status.message ?? 'ok')).toEqual(['ok', 'ABORTED'])
  })
})

describe('the name of a secret on a span', () => {
  const name = async (options: Parameters<typeof trial>[0]): Promise<unknown> => {
    const { secrets, spans } = await trial(options)
    await secrets.getSecret('db')
    return spans()[0]?.attributes['finchat.secrets.secret.name']
  }

  test('is left out unless it is asked for', async () => {
    expect([await name({}), await name({ names: 'omit' }), await name({ names: 'plain' })]).toEqual([undefined, undefined, 'db'])
  })

  test('is a keyed digest, the audit trail’s with the same key, and the same in one process without', async () => {
    const nameKey = crypto.getRandomValues(new Uint8Array(32))
    expect(await name({ names: 'hashed', nameKey })).toBe(nameDigest('hashNames', nameKey)('db'))
    const own = [await name({ names: 'hashed' }), await name({ names: 'hashed' })]
    expect(own).toEqual([expect.stringMatching(/^hmac:[0-9a-f]{32}$/), own[0]])
  })

  test('is another digest in each process without a key', async () => {
    const digest = async (): Promise<string | undefined> => {
      vi.resetModules()
      const { nameTextOf } = await import('./shared/names.ts') // loaded anew, as another process does
      return nameTextOf('hashed', undefined)('db')
    }
    expect(await digest()).not.toBe(await digest())
  })

  test('is none for an operation on no single secret', async () => {
    const { secrets, spans } = await trial({ names: 'hashed' })
    await secrets.checkHealth()
    expect(spans()[0]?.name).toBe('finchat.secrets.health')
    expect(spans()[0]?.attributes).not.toHaveProperty('finchat.secrets.secret.name')
  })
})
