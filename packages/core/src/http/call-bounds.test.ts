import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readCredential } from '../kit/credential.ts'
import { pauseWithin, timedCall, untilEnded } from './call-bounds.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('neither a call that has ended nor a pause that was cut short leaves a timer, which would hold the process, or a listener', async () => {
  const [caller, closing] = [new AbortController(), new AbortController()]
  const limits = { timeoutMs: 5000, signal: caller.signal, closing: closing.signal }
  const listeners = (): number => getEventListeners(caller.signal, 'abort').length
  for (const task of [async () => 'done', async () => Promise.reject(new Error('failed'))]) {
    await Promise.allSettled([timedCall(limits, task)])
    expect([vi.getTimerCount(), listeners()]).toEqual([0, 0])
  }
  const paused = timedCall(limits, (signal) => pauseWithin(60_000, signal))
  caller.abort()
  await expect(paused).rejects.toMatchObject({ code: 'ABORTED' })
  expect([vi.getTimerCount(), listeners()]).toEqual([0, 0])
})

test('what hangs until the time limit, such as the source of a token, is late, and not aborted by the caller', async () => {
  const limits = { timeoutMs: 5000, closing: new AbortController().signal }
  const call = timedCall(limits, (signal) => readCredential(() => new Promise<string>(() => {}), 'the token', signal))
  const [[late]] = await Promise.all([Promise.allSettled([call]), vi.advanceTimersByTimeAsync(5000)])
  expect(late).toMatchObject({ reason: { code: 'DEADLINE_EXCEEDED', sent: false } })
  const caller = new AbortController()
  const aborted = timedCall({ ...limits, signal: caller.signal }, (signal) =>
    readCredential(() => new Promise<string>(() => {}), 'the token', signal),
  )
  caller.abort()
  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
})

test('what closes ends all calls by one listener, and those that have ended not at all', async () => {
  const closing = new AbortController()
  const limits = { timeoutMs: 5000, closing: closing.signal }
  const done = new Set<AbortSignal>()
  await timedCall(limits, async (signal) => void done.add(signal))
  const calls = [1, 2, 3].map(() => timedCall(limits, (signal) => untilEnded(new Promise(() => {}), signal)))
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(1)
  closing.abort('the Vault provider')
  const ended = await Promise.allSettled(calls)
  for (const call of ended) expect(call).toMatchObject({ reason: { code: 'ABORTED', message: 'the Vault provider is closed' } })
  expect([vi.getTimerCount(), ...[...done].map(({ aborted }) => aborted)]).toEqual([0, false])
})

test('what was waited for may fail later without a trace', async () => {
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const waiting = untilEnded(promise, controller.signal)
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  reject(new Error('later'))
  await vi.advanceTimersByTimeAsync(10)
})

test.each(['late', 'closed'])("a caller's own reason, such as '%s', is not looked at", async (reason) => {
  const closing = new AbortController().signal
  const call = timedCall({ timeoutMs: 5000, signal: AbortSignal.abort(reason), closing }, async () => 'done')
  await expect(call).rejects.toMatchObject({ code: 'ABORTED', message: 'the call was aborted' })
})
