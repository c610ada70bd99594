import { channel, tracingChannel } from 'node:diagnostics_channel'
import { diag, DiagLogLevel, type Meter, type Tracer } from '@opentelemetry/api'
import { createSecretsManager, SecretsError } from '@finchat/secrets-core'
import { addRotationReport } from '@finchat/secrets-core/staging'
import { faults, leaksOf, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { observeSecrets } from './observe-secrets.ts'
import type { ObserveOptions } from './options.ts'
import { startTelemetry } from './testing/telemetry.ts'
import { canary, trial } from './testing/trial.ts'

afterEach(() => void vi.restoreAllMocks())

const isObserved = (): boolean =>
  ['get', 'write', 'refresh'].some((name) => tracingChannel(`finchat.secrets.${name}`).hasSubscribers) ||
  ['fallback', 'operation'].some((name) => channel(`finchat.secrets.${name}`).hasSubscribers)

describe('what is shown', () => {
  const name = 'n4meles5/of/a/secret'

  async function everything(options: ObserveOptions): Promise<unknown> {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const made = await trial(options)
    const { secrets } = made
    await secrets.storeSecret(name, canary)
    await secrets.rotateSecret(name, `${canary} 2`)
    await secrets.getSecret(name)
    await secrets.verifySecret(name, canary, { acceptPreviousForSeconds: 60 })
    await secrets.getSecret(`${name}/missing`).catch(() => {})
    await secrets.describeSecret(name)
    addRotationReport(secrets, async () => ({ [name]: { status: 'overdue' } }))
    await secrets.checkHealth()
    made.plan = () => faults.throwForeign(new Error(canary))
    await secrets.getSecret(name, { fresh: true }).catch(() => {})
    made.plan = () => faults.reject('UNAVAILABLE', { storeStatus: canary })
    await secrets.getSecret('other', { fresh: true }).catch(() => {})
    const spans = made.spans().map((span) => ({ ...span, spanContext: span.spanContext(), links: span.links, events: span.events }))
    return [await made.scrape(), spans.map(({ name: title, attributes, status, events }) => ({ title, attributes, status, events }))]
  }

  test.each<ObserveOptions>([{}, { names: 'hashed' }])('is no value, and no name: %o', async (options) => {
    const shown = await everything(options)
    expect(leaksOf(shown, canary)).toEqual([])
    expect(leaksOf(shown, 'n4meles5')).toEqual([])
  })

  test('is no value either where names are shown', async () => {
    const shown = await everything({ names: 'plain' })
    expect(leaksOf(shown, canary)).toEqual([])
    expect(leaksOf(shown, 'n4meles5')).not.toEqual([])
  })
})

describe('the end of an observation', () => {
  test('leaves no subscriber, every gauge at 0, and may be called twice', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const made = await trial({ names: 'plain' })
    await made.secrets.getSecret('db')
    addRotationReport(made.secrets, async () => ({ db: { status: 'overdue' } }))
    await made.secrets.checkHealth()
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('other').catch(() => {})
    const { value } = await made.scrape()
    expect([isObserved(), value('provider_degraded'), value('rotation_secret_count', { rotation_status: 'overdue' })]).toEqual([true, 1, 1])
    made.stop()
    made.stop()
    await made.secrets.getSecret('db')
    const after = await made.scrape()
    expect([isObserved(), after.value('operation_duration_count')]).toEqual([false, value('operation_duration_count')])
    const isGauge = ({ name: each }: { readonly name: string }): boolean =>
      /^finchat_secrets_(?!.*(_total|_bucket|_sum|operation_duration_count)$)/.test(each)
    const gauges = after.samples.filter(isGauge)
    expect(gauges.length).toBeGreaterThan(5)
    expect(gauges.filter((sample) => sample.value !== 0)).toEqual([])
  })

  test('comes for the gauges with the close of the manager', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const made = await trial()
    made.plan = () => faults.reject('UNAVAILABLE')
    await made.secrets.getSecret('db').catch(() => {})
    expect((await made.scrape()).value('provider_degraded')).toBe(1)
    await made.secrets.close()
    expect((await made.scrape()).value('provider_degraded')).toBe(0)
  })

  test.each(['a scrape', 'the next observation'])(
    'comes with the close of the manager, which %s finds, and frees the name',
    async (way) => {
      const { meter, tracer, scrape } = await startTelemetry()
      for (let round = 0; round < 3; round++) {
        const secrets = createSecretsManager({ providers: [memoryProvider()] })
        const stop = observeSecrets(secrets, { meter, tracer })
        await secrets.close()
        if (way === 'a scrape') {
          await scrape()
          expect(isObserved()).toBe(false)
        }
        onTestFinished(stop)
      }
      const last = createSecretsManager({ providers: [memoryProvider()] })
      const stop = observeSecrets(last, { meter, tracer })
      expect((await scrape()).value('provider_degraded')).toBe(0)
      stop()
      expect(isObserved()).toBe(false)
    },
  )

  test('comes with the health check that finds the manager closed', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const secrets = createSecretsManager({ providers: [memoryProvider()] })
    observeSecrets(secrets, { checkHealthSeconds: 60 })
    await secrets.close()
    await vi.advanceTimersByTimeAsync(120_000)
    expect([vi.getTimerCount(), isObserved()]).toEqual([0, false])
  })

  test('ends the health checks', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const store = memoryProvider()
    const checkHealth = vi.fn(store.checkHealth)
    const secrets = createSecretsManager({ providers: [{ ...store, checkHealth }] })
    const stop = observeSecrets(secrets, { checkHealthSeconds: 60 })
    await vi.advanceTimersByTimeAsync(600_000)
    const checks = checkHealth.mock.calls.length
    expect(checks).toBeGreaterThanOrEqual(10)
    expect(checks).toBeLessThanOrEqual(21)
    stop()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(checkHealth).toHaveBeenCalledTimes(checks)
    await secrets.close()
  })
})

describe('several managers of one process', () => {
  test('have series of their own, each with its operations alone', async () => {
    const { meter, tracer, scrape } = await startTelemetry()
    const [one, other] = ['one', 'other'].map((manager) => {
      const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'v' } })] })
      onTestFinished(observeSecrets(secrets, { meter, tracer, manager }))
      return secrets
    })
    for (let reads = 0; reads < 3; reads++) await one?.getSecret('db', { fresh: true })
    for (let reads = 0; reads < 2; reads++) await other?.getSecret('db')
    const { value } = await scrape()
    const counts = ['one', 'other'].map((manager_name) => value('operation_duration_count', { manager_name }))
    const hits = ['one', 'other'].map((manager_name) => value('cache_reads_total', { manager_name, result: 'hit' }))
    expect([counts, hits]).toEqual([
      [3, 1],
      [0, 1],
    ])
  })

  test('cannot share a name, until the first is not observed any more', async () => {
    const { meter, tracer } = await startTelemetry()
    const managers = [1, 2].map(() => createSecretsManager({ providers: [memoryProvider()] }))
    const observe = (index: number): (() => void) => observeSecrets(managers[index] as never, { meter, tracer })
    const stop = observe(0)
    expect(() => observe(1)).toThrow(/a manager is observed as 'default' already/)
    stop()
    observe(1)()
    expect(isObserved()).toBe(false)
  })
})

test('a read that memory answers goes on by its fast path, and is counted all the same', async () => {
  const { secrets, scrape, spans } = await trial()
  await secrets.getSecret('db')
  const [one, again] = [secrets.getSecret('db'), secrets.getSecret('db')]
  expect(one).toBe(again) // the stored promise
  expect(await one).toBe(canary)
  expect([(await scrape()).value('cache_reads_total', { result: 'hit' }), spans().length]).toEqual([2, 1])
})

describe('telemetry that fails', () => {
  const broken = (): never => {
    throw new TypeError(canary)
  }

  test('fails no read and no process, and is reported without what it says', async () => {
    const reports: unknown[] = []
    const log = (...words: unknown[]): void => void reports.push(words)
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log }, DiagLogLevel.ERROR)
    onTestFinished(() => diag.disable())
    const uncaught = vi.fn<() => void>()
    process.on('uncaughtException', uncaught)
    onTestFinished(() => void process.off('uncaughtException', uncaught))
    const { meter: real, scrape } = await startTelemetry()
    const meter: Meter = Object.assign(Object.create(real), {
      createHistogram: () => ({ record: broken }),
      createCounter: () => ({ add: broken }),
    })
    const tracer = { startSpan: broken } as unknown as Tracer
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'v' } })] })
    vi.spyOn(secrets, 'cacheStats').mockImplementation(broken)
    const stop = observeSecrets(secrets, { meter, tracer })
    expect(await secrets.getSecret('db')).toBe('v')
    expect((await scrape()).value('provider_degraded')).toBeUndefined()
    stop()
    await new Promise((resolve) => setImmediate(resolve))
    expect([uncaught.mock.calls, isObserved()]).toEqual([[], false])
    expect(reports).toEqual([1, 2].map(() => ['@finchat/secrets-otel: an observation failed (TypeError); secrets are not affected']))
  })

  test('fails no process if its error cannot be named', async () => {
    const uncaught = vi.fn<() => void>()
    process.on('uncaughtException', uncaught)
    onTestFinished(() => void process.off('uncaughtException', uncaught))
    const nameless = Object.defineProperty(new Error(canary), 'constructor', { value: undefined })
    const startSpan = (): never => {
      throw nameless
    }
    const { meter } = await startTelemetry()
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'v' } })] })
    // A tracer has overloads that this package does not call.
    const stop = observeSecrets(secrets, { meter, tracer: { startSpan } as unknown as Tracer })
    expect(await secrets.getSecret('db')).toBe('v')
    stop()
    await new Promise((resolve) => setImmediate(resolve))
    expect(uncaught).not.toHaveBeenCalled()
  })

  test('at its start leaves nothing behind', async () => {
    const { meter: real, tracer } = await startTelemetry()
    const meter: Meter = Object.assign(Object.create(real), { createCounter: broken })
    const secrets = createSecretsManager({ providers: [memoryProvider()] })
    for (let tries = 0; tries < 2; tries++) expect(() => observeSecrets(secrets, { meter, tracer })).toThrow(TypeError)
    expect(isObserved()).toBe(false)
  })
})

describe('options', () => {
  test.each<[string, unknown]>([
    ['an unknown one', { name: 'plain' }],
    ['unknown names', { names: 'yes' }],
    ['a key without hashed names', { nameKey: new Uint8Array(32) }],
    ['a key that is a text', { names: 'hashed', nameKey: Buffer.from('correct horse battery staple, 40 bytes..') }],
    ['a manager without a usable name', { manager: 'a b' }],
    ['a meter that is none', { meter: {} }],
    ['a tracer that is none', { tracer: () => {} }],
    ['too many health checks', { checkHealthSeconds: 1 }],
    ['health checks that are no number', { checkHealthSeconds: '60' }],
  ])('refuse %s', (_, options) => {
    const secrets = createSecretsManager({ providers: [memoryProvider()] })
    expect(() => observeSecrets(secrets, options as ObserveOptions)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' })) // as callers without types
    expect(isObserved()).toBe(false)
  })

  test('need a manager', () => {
    expect(() => observeSecrets({} as never)).toThrow(SecretsError)
  })

  test('may be left out: without an SDK nothing is recorded, and reads go on', async () => {
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { db: 'v' } })] })
    const stop = observeSecrets(secrets)
    expect(await secrets.getSecret('db')).toBe('v')
    stop()
    await secrets.close()
  })
})
