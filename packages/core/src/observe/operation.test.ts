import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuditEvent, AuditTrail } from '../contract/audit.ts'
import { Observer, type Operation } from './operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { refusal as refusalOf } from '../testing/refusal.ts'
import { tracing } from './trace-channels.ts'

const canary = 'canary-5e17'
const read: Operation = { operation: 'get', name: 'db', effect: false }
const write: Operation = { operation: 'store', name: 'db', effect: true }

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }))
afterEach(() => vi.useRealTimers())

type Recorder = (event: AuditEvent) => Promise<void>

function observing(record: Recorder = async () => {}): { observer: Observer; events: AuditEvent[]; closing: AbortController } {
  const events: AuditEvent[] = []
  const closing = new AbortController()
  const trail: AuditTrail = {
    specificationVersion: 'v1',
    record: (event) => {
      events.push(event)
      return record(event)
    },
  }
  return { observer: new Observer(trail, tracing(), { deadlineMs: 5_000, closing: closing.signal }), events, closing }
}

function failingAt(phase: AuditEvent['phase']): Recorder {
  return async (event) => (event.phase === phase ? Promise.reject(new Error(canary)) : undefined)
}

/** What the operation rejects with, which gives nothing away. */
async function refusal(operation: Promise<unknown>): Promise<SecretsError> {
  const error = await refusalOf(operation)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary)
  return error
}

function hung(): Promise<never> {
  return new Promise(() => {})
}

describe('a read', () => {
  it('is recorded once, with its metadata', async () => {
    const { observer, events } = observing()
    const answer = await observer.observe(read, { actor: 'ada', requestId: 'r-1' }, async (metadata) => {
      vi.setSystemTime(1_250)
      Object.assign(metadata, { provider: 'aws', version: 3, revision: 'x', from: 'store', stale: false, degraded: true })
      return canary
    })
    expect(answer).toBe(canary)
    expect(events).toEqual([
      {
        phase: 'outcome',
        outcome: 'ok',
        operation: 'get',
        name: 'db',
        actor: 'ada',
        requestId: 'r-1',
        time: 1_250,
        durationMs: 250,
        provider: 'aws',
        version: 3,
        revision: 'x',
        from: 'store',
        stale: false,
        degraded: true,
        matched: undefined,
      },
    ])
  })

  it('never puts a value into its event, not even from its metadata', async () => {
    const { observer, events } = observing()
    await observer.observe(read, {}, async (metadata) => Object.assign(metadata, { value: canary, held: { canary } }))
    expect(inspect(events, { depth: 9 })).not.toContain(canary)
  })

  it('resolves only after its record is acknowledged', async () => {
    const acknowledged = Promise.withResolvers<void>()
    const { observer } = observing(() => acknowledged.promise)
    const left = vi.fn<(value: string) => void>()
    const reading = observer.observe(read, {}, async () => 'v').then(left)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(left).not.toHaveBeenCalled()
    acknowledged.resolve()
    await reading
    expect(left).toHaveBeenCalledWith('v')
  })

  it.each<[string, Recorder]>([
    ['is refused', async () => Promise.reject(new Error(canary))],
    [
      'throws at once',
      () => {
        throw new Error(canary)
      },
    ],
    ['does not answer', hung],
  ])('does not leave if its record %s', async (_, record) => {
    const { observer } = observing(record)
    const reading = refusal(observer.observe(read, {}, async () => canary))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await reading).toMatchObject({ code: 'AUDIT_FAILED', secret: 'db', message: expect.stringContaining('nothing is handed out') })
    expect((await reading).effect).toBeUndefined()
  })

  it('gives the reason of the trail if that is a SecretsError', async () => {
    const refusing = (why: SecretsError): Promise<SecretsError> => {
      const { observer } = observing(async () => Promise.reject(why))
      return refusal(observer.observe(read, {}, async () => canary))
    }
    expect(await refusing(new SecretsError('UNAVAILABLE', 'the disk is full', { remedy: 'make room' }))).toMatchObject({
      code: 'AUDIT_FAILED',
      message: "Secret 'db': the outcome could not be recorded, so nothing is handed out: the disk is full (make room)",
    })
    expect(await refusing(new SecretsError('CONFIGURATION', 'a sink reads secrets'))).toMatchObject({ code: 'CONFIGURATION', secret: 'db' })
  })

  it.each([
    ['from the store, says that the lease is there', 'store', 'done'],
    ['that was held, says nothing of an effect', 'memory', undefined],
  ] as const)('of a lease %s, if it cannot be recorded', async (_, from, effect) => {
    const { observer } = observing(failingAt('outcome'))
    const reading = observer.observe(read, {}, async (metadata) => Object.assign(metadata, { exclusive: true, from }))
    expect(await refusal(reading)).toMatchObject({ code: 'AUDIT_FAILED', effect })
  })

  it('is recorded with its code when it fails, and names the secret', async () => {
    const { observer, events } = observing()
    const error = await refusal(
      observer.observe(read, {}, async () => Promise.reject(new SecretsError('PERMISSION_DENIED', 'denied', { provider: 'aws' }))),
    )
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', secret: 'db', provider: 'aws' })
    expect(events).toMatchObject([{ phase: 'outcome', outcome: 'error', code: 'PERMISSION_DENIED' }])
  })

  it('fails as AUDIT_FAILED if its failure could not be recorded', async () => {
    const { observer } = observing(failingAt('outcome'))
    expect(await refusal(observer.observe(read, {}, async () => Promise.reject(new SecretsError('DELETED', 'x'))))).toMatchObject({
      code: 'AUDIT_FAILED',
    })
  })

  it('shows nothing of a foreign error', async () => {
    const { observer, events } = observing()
    const error = await refusal(
      observer.observe(read, {}, async () => Promise.reject(Object.assign(new TypeError(canary), { value: canary }))),
    )
    expect(error).toMatchObject({ code: 'INTERNAL', secret: 'db' })
    expect(events).toMatchObject([{ code: 'INTERNAL' }])
  })
})

describe('a write', () => {
  it('is recorded as an intent, acknowledged before it runs, and as an outcome', async () => {
    const acknowledged = Promise.withResolvers<void>()
    const { observer, events } = observing((event) => (event.phase === 'intent' ? acknowledged.promise : Promise.resolve()))
    const run = vi.fn<(metadata: object) => Promise<void>>(
      async (metadata) => void Object.assign(metadata, { provider: 'aws', version: 4 }),
    )
    const writing = observer.observe(write, { actor: 'ada' }, run)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(run).not.toHaveBeenCalled()
    acknowledged.resolve()
    await writing
    expect(events).toMatchObject([
      { phase: 'intent', operation: 'store', name: 'db', actor: 'ada', time: 1_000 },
      { phase: 'outcome', outcome: 'ok', provider: 'aws', version: 4, time: 5_000, durationMs: 0 },
    ])
  })

  it('does not start if its intent cannot be recorded', async () => {
    const { observer } = observing(failingAt('intent'))
    const run = vi.fn<() => Promise<void>>()
    expect(await refusal(observer.observe(write, {}, run))).toMatchObject({
      code: 'AUDIT_FAILED',
      message: expect.stringContaining('nothing was sent'),
    })
    expect(run).not.toHaveBeenCalled()
  })

  it.each<[string, () => Promise<unknown>, 'done' | 'unknown' | undefined]>([
    ['was done', async () => ({ version: 4 }), 'done'],
    ['may have been', async () => Promise.reject(new SecretsError('DEADLINE_EXCEEDED', 'x', { effect: 'unknown' })), 'unknown'],
    ['was not', async () => Promise.reject(new SecretsError('VERSION_CONFLICT', 'x')), undefined],
  ])('says that it %s if its outcome cannot be recorded', async (_, run, effect) => {
    const { observer } = observing(failingAt('outcome'))
    const error = await refusal(observer.observe(write, {}, run))
    expect([error.code, error.effect]).toEqual(['AUDIT_FAILED', effect])
  })
})

describe("a caller's abort", () => {
  it('before the call means that it neither runs nor is recorded', async () => {
    const { observer, events } = observing()
    const run = vi.fn<() => Promise<void>>()
    for (const operation of [read, write])
      expect(await refusal(observer.observe(operation, { signal: AbortSignal.abort() }, run))).toMatchObject({ code: 'ABORTED' })
    expect([run.mock.calls, events]).toEqual([[], []])
  })

  it('ends a read at once, during the call or while its record is pending', async () => {
    for (const code of ['ok', 'ABORTED', 'UNAVAILABLE'] as const) {
      const { observer, events } = observing(hung)
      const caller = new AbortController()
      const run = async (): Promise<string> => (code === 'ok' ? canary : Promise.reject(new SecretsError(code, 'x')))
      const reading = refusal(observer.observe(read, { signal: caller.signal }, run))
      await vi.advanceTimersByTimeAsync(10)
      caller.abort()
      expect([(await reading).code, events.length]).toEqual(['ABORTED', 1])
    }
  })

  it("during the intent's record prevents the write", async () => {
    const { observer } = observing(hung)
    const caller = new AbortController()
    const run = vi.fn<() => Promise<void>>()
    const writing = refusal(observer.observe(write, { signal: caller.signal }, run))
    await vi.advanceTimersByTimeAsync(10)
    caller.abort()
    const error = await writing
    expect([error.code, error.effect, run.mock.calls]).toEqual(['ABORTED', undefined, []])
  })

  it("during the intent's record is followed by an outcome, for which shut waits", async () => {
    for (const failing of [hung, async () => Promise.reject(new Error(canary))]) {
      const outcome = Promise.withResolvers<void>()
      const { observer, events } = observing((event) => (event.phase === 'intent' ? failing() : outcome.promise))
      const caller = new AbortController()
      const writing = refusal(observer.observe(write, { signal: caller.signal }, async () => {}))
      await vi.advanceTimersByTimeAsync(0)
      caller.abort()
      const { code } = await writing
      const shut = vi.fn<() => void>()
      void observer.shut().then(shut)
      await vi.advanceTimersByTimeAsync(100)
      expect([events.length, shut.mock.calls.length]).toEqual([2, 0])
      expect(events).toMatchObject([{ phase: 'intent' }, { phase: 'outcome', operation: 'store', name: 'db', outcome: 'error', code }])
      outcome.resolve()
      await vi.advanceTimersByTimeAsync(0)
      expect(shut).toHaveBeenCalledOnce()
    }
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['is done', async () => 'done', 'done'],
    ['was not sent', async () => Promise.reject(new SecretsError('ABORTED', 'x')), 'ABORTED'],
    ['may be', async () => Promise.reject(new SecretsError('ABORTED', 'x', { effect: 'unknown' })), 'ABORTED'],
  ])('does not keep a write that %s from being recorded first', async (_, run, ending) => {
    const recorded = Promise.withResolvers<void>()
    const { observer } = observing((event) => (event.phase === 'outcome' ? recorded.promise : Promise.resolve()))
    const caller = new AbortController()
    const ended = vi.fn<(ending: unknown) => void>()
    const writing = observer.observe(write, { signal: caller.signal }, run).then(ended, (error: { code?: unknown }) => ended(error.code))
    await vi.advanceTimersByTimeAsync(10)
    caller.abort()
    await vi.advanceTimersByTimeAsync(10)
    expect(ended).not.toHaveBeenCalled()
    recorded.resolve()
    await writing
    expect(ended).toHaveBeenCalledWith(ending)
  })
})

describe('the observer', () => {
  it('refuses new calls after shut, which waits for running ones', async () => {
    const { observer } = observing()
    const running = Promise.withResolvers<string>()
    const reading = observer.observe(read, {}, () => running.promise)
    const shut = vi.fn<() => void>()
    void observer.shut().then(shut)
    expect(await refusal(observer.observe(read, {}, async () => 'v'))).toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('closed'),
    })
    expect(shut).not.toHaveBeenCalled()
    running.resolve('v')
    expect(await reading).toBe('v')
    await vi.advanceTimersByTimeAsync(0)
    expect(shut).toHaveBeenCalled()
  })

  it('stays shut if running calls fail', async () => {
    const { observer } = observing()
    const reading = refusal(observer.observe(read, {}, async () => Promise.reject(new SecretsError('UNAVAILABLE', 'x'))))
    await observer.shut()
    expect((await reading).code).toBe('UNAVAILABLE')
  })
})

it("records in the caller's async context", async () => {
  const context = new AsyncLocalStorage<string>()
  const actors: (string | undefined)[] = []
  const { observer } = observing(async () => void actors.push(context.getStore()))
  await context.run('ada', () => observer.observe(write, {}, async () => {}))
  expect(actors).toEqual(['ada', 'ada'])
})

it('an observer is unwatched without a trail and subscribers, until it is shut', () => {
  const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }
  const unwatched = new Observer(undefined, tracing(), bounds)
  expect([unwatched.isUnwatched, observing().observer.isUnwatched]).toEqual([true, false])
  void unwatched.shut()
  expect(unwatched.isUnwatched).toBe(false)
})

describe('the channel of ended operations', () => {
  const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }

  async function ended(observer: Observer, of: Operation, outcome: object): Promise<unknown[]> {
    const heard: unknown[] = []
    const hear = (message: unknown): void => void heard.push(message)
    subscribe('finchat.secrets.operation', hear)
    await observer
      .observe(of, { actor: 'ada' }, async (metadata) => {
        vi.advanceTimersByTime(40)
        if (outcome instanceof Error) throw outcome
        Object.assign(metadata, outcome)
      })
      .catch(() => {})
    unsubscribe('finchat.secrets.operation', hear)
    return heard
  }

  it('has each operation once, complete and with its duration, whatever its outcome', async () => {
    const channels = tracing()
    const observer = new Observer(undefined, channels, bounds)
    const known = { manager: channels.manager, name: 'db', actor: 'ada', durationMs: 40 }
    expect(await ended(observer, read, { from: 'store', provider: 'aws' })).toMatchObject([
      { ...known, operation: 'get', provider: 'aws', code: undefined },
    ])
    expect(await ended(observer, write, {})).toMatchObject([{ ...known, operation: 'store' }])
    expect(await ended(observer, read, new SecretsError('DELETED', canary))).toMatchObject([{ ...known, code: 'DELETED' }])
    expect(inspect(await ended(observer, read, new Error(canary)), { depth: 9 })).not.toContain(canary)
  })

  it('has a read from memory only if it is no fresh answer', async () => {
    const { observer } = observing()
    const of = { operation: 'verify', name: 'db', effect: false } as const
    expect(await ended(observer, read, { from: 'memory', stale: false, degraded: false })).toEqual([])
    for (const mark of ['stale', 'degraded']) expect(await ended(observer, read, { from: 'memory', [mark]: true })).toHaveLength(1)
    expect(await ended(observer, of, { from: 'memory', matched: 'previous' })).toMatchObject([{ matched: 'previous' }])
  })

  it('leaves the fast path of reads on', () => {
    const observer = new Observer(undefined, tracing(), bounds)
    const hear = (): void => {}
    subscribe('finchat.secrets.operation', hear)
    expect(observer.isUnwatched).toBe(true)
    unsubscribe('finchat.secrets.operation', hear)
  })
})
