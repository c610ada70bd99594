import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CircuitBreaker } from '../guard/circuit-breaker.ts'
import { ProviderCache } from '../cache/provider-cache.ts'
import type { SecretProvider } from '../contract/provider.ts'
import { Observer } from './operation.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { traced, type TraceMessage, tracing } from './trace-channels.ts'

const canary = 'canary-d94b'

interface Heard {
  readonly channel: string
  readonly event: string
  readonly message: TraceMessage & { readonly error?: unknown; readonly result?: unknown }
}

let heard: Heard[] = []
let unsubscribe: () => void = () => {}
afterEach(() => {
  unsubscribe()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function listen(...channels: ('get' | 'write' | 'refresh')[]): void {
  heard = []
  const ends = channels.map((name) => {
    const hear = (event: string) => (message: unknown) =>
      void heard.push({ channel: name, event, message: { ...(message as Heard['message']) } })
    const subscribers = Object.fromEntries(
      ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => [event, hear(event)]),
    ) as unknown as TracingChannelSubscribers<object> // one for each of its events
    const on = tracingChannel<unknown, object>(`finchat.secrets.${name}`)
    on.subscribe(subscribers)
    return () => on.unsubscribe(subscribers)
  })
  unsubscribe = () => {
    for (const end of ends) end()
  }
}

describe('traced', () => {
  const manager = Symbol('a manager')
  const message = (): TraceMessage => ({ manager, operation: 'get', name: 'db' })

  it('only runs the call without subscribers', async () => {
    const on = tracing().get
    const trace = vi.spyOn(on, 'tracePromise')
    const given = message()
    expect(await traced(on, given, async () => canary)).toBe(canary)
    await expect(traced(on, given, async () => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError)
    expect(trace).not.toHaveBeenCalled()
    expect(given).toEqual(message())
  })

  it('gives the answer to the caller, never to a subscriber', async () => {
    listen('get')
    expect(await traced(tracing().get, message(), async () => canary)).toBe(canary)
    expect(heard.map(({ event }) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(inspect(heard, { depth: 9, showHidden: true })).not.toContain(canary)
  })

  it('publishes a failure, and rejects with the same one', async () => {
    listen('get')
    const error = new SecretsError('UNAVAILABLE', 'x')
    await expect(traced(tracing().get, message(), async () => Promise.reject(error))).rejects.toBe(error)
    expect(heard.map(({ event }) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(heard.at(-1)?.message.error).toBe(error)
    expect(heard.at(-1)?.message.durationMs).toBeGreaterThanOrEqual(0)
  })

  it('tells at its end how long the call took', async () => {
    vi.useFakeTimers()
    listen('get')
    const traces = traced(tracing().get, message(), () => new Promise<void>((resolve) => void setTimeout(resolve, 250)))
    await vi.advanceTimersByTimeAsync(250)
    await traces
    expect(heard.map(({ message: { durationMs } }) => durationMs)).toEqual([undefined, undefined, 250, 250])
  })
})

describe('an observed operation', () => {
  const bounds = { deadlineMs: 5_000, closing: new AbortController().signal }

  it('shows its metadata at its end, and no value', async () => {
    listen('get', 'write')
    const observer = new Observer(undefined, tracing(), bounds)
    const run = async (metadata: object): Promise<string> => {
      Object.assign(metadata, { provider: 'aws', version: 3, from: 'memory', stale: true, degraded: false })
      return canary
    }
    await observer.observe({ operation: 'get', name: 'db', effect: false }, { actor: 'ada', requestId: 'r-1' }, run)
    expect(heard.at(-1)).toMatchObject({
      channel: 'get',
      event: 'asyncEnd',
      message: {
        operation: 'get',
        name: 'db',
        actor: 'ada',
        requestId: 'r-1',
        provider: 'aws',
        version: 3,
        from: 'memory',
        stale: true,
        degraded: false,
      },
    })
    await observer.observe({ operation: 'rotate', name: 'db', effect: true }, {}, run)
    expect(heard.at(-1)).toMatchObject({ channel: 'write', message: { operation: 'rotate' } })
    expect(inspect(heard, { depth: 9, showHidden: true })).not.toContain(canary)
  })

  it('shows the code of its failure, and nothing of a foreign error', async () => {
    listen('get')
    const observer = new Observer(undefined, tracing(), bounds)
    const run = async (): Promise<never> => Promise.reject(new Error(canary))
    await expect(observer.observe({ operation: 'get', name: 'db', effect: false }, {}, run)).rejects.toThrow(SecretsError)
    expect(heard.at(-1)?.message).toMatchObject({ code: 'INTERNAL', error: { code: 'INTERNAL' } })
    expect(inspect(heard, { depth: 9, showHidden: true })).not.toContain(canary)
  })

  it('is watched while a subscriber exists', () => {
    const observer = new Observer(undefined, tracing(), bounds)
    expect(observer.isUnwatched).toBe(true)
    listen('get')
    expect(observer.isUnwatched).toBe(false)
    unsubscribe()
    expect(observer.isUnwatched).toBe(true)
  })
})

describe('a refresh', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))

  async function refreshed(get: SecretProvider['get']): Promise<void> {
    const options = {
      ttlMs: 10_000,
      maxStaleMs: 0,
      maxEntries: 10,
      deadlineMs: 5_000,
      patientMs: 1_250,
      circuit: new CircuitBreaker(),
      shared: undefined,
      zeroizer: new Zeroizer(),
      tracing: tracing(),
      closing: new AbortController().signal,
    }
    const store = new ProviderCache({ specificationVersion: 'v1', name: 'p', get }, options)
    vi.spyOn(Math, 'random').mockReturnValue(1)
    await store.read({ path: 'a', mode: 'cached' })
    await vi.advanceTimersByTimeAsync(8_000)
    store.peek('a')
    await vi.advanceTimersByTimeAsync(0)
  }

  it("is published under the store's path, without the value", async () => {
    listen('refresh')
    await refreshed(async () => ({ value: canary }))
    expect(heard.map(({ event }) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    const known = { manager: expect.any(Symbol), operation: 'refresh', name: 'a', provider: 'p', durationMs: 0 }
    expect(heard.at(-1)?.message).toEqual({ ...known, result: undefined })
    expect(inspect(heard, { depth: 9, showHidden: true })).not.toContain(canary)
  })

  it('that fails is published too, without an unhandled rejection', async () => {
    listen('refresh')
    let calls = 0
    await refreshed(async () => ((calls += 1) === 1 ? { value: canary } : Promise.reject(new SecretsError('UNAVAILABLE', 'x'))))
    expect(heard.find(({ event }) => event === 'error')?.message.error).toMatchObject({ code: 'UNAVAILABLE' })
    expect(heard.at(-1)).toMatchObject({ event: 'asyncEnd', message: { code: 'UNAVAILABLE' } })
  })
})
