import { once } from 'node:events'
import type { CallContext } from '@finchat/secrets-core'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { auditTrail } from './audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { functionSink } from '../sinks/function-sink.ts'
import { trialSink } from '../testing/trial-sink.ts'
import { aRecord } from '../testing/sample-records.ts'
import { context, event, recordsIn, removeTestFolders, testFolder } from '../testing/folders.ts'
import { bestEffort, required } from './trail-sink.ts'

afterAll(removeTestFolders)
afterEach(() => void vi.useRealTimers())

const gaveUp = { signal: AbortSignal.abort() }

it('an outcome is written though its caller gave up, and the sink has time for it', async () => {
  const seen: boolean[] = []
  const sink = functionSink((_, { signal }) => void seen.push(signal.aborted))
  const trail = auditTrail({ sinks: [required(sink)] })
  await trail.record({ ...event, phase: 'outcome' }, gaveUp)
  expect(seen).toEqual([false])
  await trail.close?.(context)
})

it('an outcome whose caller gave up waits for no longer than the sink’s own deadline', async () => {
  vi.useFakeTimers()
  const sink = functionSink(() => new Promise(() => {}))
  const trail = auditTrail({ sinks: [required(sink)], sinkDeadlineMs: 100 })
  const recorded = trail.record(event, gaveUp).then(
    () => 'recorded',
    ({ code }) => code,
  )
  await vi.advanceTimersByTimeAsync(99)
  expect(await Promise.race([recorded, Promise.resolve('waits')])).toBe('waits')
  await vi.advanceTimersByTimeAsync(1)
  expect(await recorded).toBe('AUDIT_FAILED')
})

/** How long a sink that never answers again has for one record, after what it did first. */
async function deadlineAfter(first: (signal: AbortSignal) => Promise<void>): Promise<number> {
  vi.useFakeTimers()
  let calls = 0
  const sink = functionSink((_, { signal }) => (calls++ === 0 ? first(signal) : new Promise<void>(() => {})))
  const trail = auditTrail({ sinks: [required(sink)] })
  const ended = async (): Promise<unknown> => trail.record(event, context).catch((error: unknown) => error)
  const recorded = ended()
  await vi.advanceTimersByTimeAsync(6_000)
  await recorded
  const begun = performance.now()
  const later = ended().then(() => Math.round(performance.now() - begun))
  await vi.advanceTimersByTimeAsync(6_000)
  return later
}

it.each<[string, (signal: AbortSignal) => Promise<void>, number]>([
  ['never answered', async () => new Promise(() => {}), 4_800],
  ['rejected when it was aborted', async (signal) => once(signal, 'abort').then(() => Promise.reject(new Error('aborted'))), 4_800],
  ['acknowledged', async () => {}, 2_000],
  ['refused', async () => Promise.reject(new Error('no')), 2_000],
  ['acknowledged behind its deadline', async () => new Promise((resolve) => setTimeout(resolve, 5_500)), 2_000],
])('a sink that %s has the longer deadline until its first answer', async (_, first, deadlineMs) => {
  expect(await deadlineAfter(first)).toBe(deadlineMs)
})

it('a sink gets a signal and a deadline that a copy of its context has too, and nothing else', async () => {
  const seen: unknown[] = []
  const sink = functionSink((_, given) => void seen.push({ ...given }))
  const trail = auditTrail({ sinks: [required(sink)] })
  await trail.record(event, context)
  expect(seen).toEqual([{ signal: expect.any(AbortSignal), deadlineAt: expect.any(Number) }])
  await trail.close?.(context)
})

it('the file writes a record that comes with an aborted signal', async () => {
  const { folder } = await testFolder()
  const sink = jsonLinesFile({ folder })
  await sink.write(aRecord({ seq: 7 }), gaveUp)
  expect(await recordsIn(folder)).toMatchObject([{ seq: 7 }])
  await sink.close?.(context)
})

it('a sink whose close hangs holds up close for 4.5 s, and is named', async () => {
  vi.useFakeTimers()
  const signals: AbortSignal[] = []
  const hung = { ...trialSink('hung'), close: ({ signal }: CallContext) => (signals.push(signal), new Promise<void>(() => {})) }
  const trail = auditTrail({ sinks: [required(hung), required(trialSink('other'))], sinkDeadlineMs: 100 })
  await trail.record(event, context)
  const ended = vi.fn<(error: unknown) => void>()
  void trail.close?.(context).catch(ended)
  await vi.advanceTimersByTimeAsync(4_499)
  expect([signals.map(({ aborted }) => aborted), ended.mock.calls]).toEqual([[false], []])
  await vi.advanceTimersByTimeAsync(1)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(ended).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ code: 'AUDIT_FAILED', message: expect.stringMatching(/could not be closed: hung$/) }),
  )
})

it('a sink that hangs at its gap and in its close holds up close for 4.5 s, and no other sink', async () => {
  vi.useFakeTimers()
  const hangs = (): Promise<void> => new Promise(() => {})
  const closed: string[] = []
  const close = async (name: string): Promise<void> => void closed.push(name)
  const hung = { ...trialSink('hung'), write: hangs, close: async () => close('hung').then(hangs) }
  const other = { ...trialSink('other'), close: () => close('other') }
  const trail = auditTrail({ sinks: [required(hung), required(other)], sinkDeadlineMs: 4_000 })
  trail.record(event, context).catch(() => {})
  await vi.advanceTimersByTimeAsync(4_000)
  const ended = vi.fn<(error: unknown) => void>()
  void trail.close?.(context).catch(ended)
  await vi.advanceTimersByTimeAsync(0)
  expect(closed).toEqual(['other'])
  await vi.advanceTimersByTimeAsync(3_500)
  expect(closed).toEqual(['other', 'hung'])
  await vi.advanceTimersByTimeAsync(999)
  expect(ended).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ message: expect.stringMatching(/could not be closed: hung$/) }))
})

it('a sink that is closed while it hangs gets no gap afterwards', async () => {
  vi.useFakeTimers()
  const calls: string[] = []
  const hung = {
    ...trialSink('hung'),
    write: (): Promise<void> => (calls.push('write'), new Promise(() => {})),
    close: async () => void calls.push('close'),
  }
  const trail = auditTrail({ sinks: [required(hung)], sinkDeadlineMs: 4_000 })
  trail.record(event, context).catch(() => {})
  await vi.advanceTimersByTimeAsync(1)
  const closing = trail.close?.(context)
  await vi.advanceTimersByTimeAsync(10_000)
  await closing
  expect(calls).toEqual(['write', 'close'])
})

it('a sink that waits in its close ends when the caller gives up, and is closed though the caller gave up before', async () => {
  const signals: AbortSignal[] = []
  const sink = {
    ...trialSink('waiting'),
    close: ({ signal }: CallContext) => (signals.push(signal), signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => {})),
  }
  const caller = new AbortController()
  const closing = auditTrail({ sinks: [required(sink)] }).close?.({ signal: caller.signal })
  await expect.poll(() => signals.length).toBe(1)
  caller.abort()
  await closing
  await auditTrail({ sinks: [required(sink)] }).close?.(gaveUp)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
})

it('a sink may take longer to close than for a record, as our file does whose checkpoints hang', async () => {
  vi.useFakeTimers()
  const slow = { ...trialSink('slow'), close: () => new Promise<void>((resolve) => void setTimeout(resolve, 4_400)) }
  const closing = auditTrail({ sinks: [required(slow)], sinkDeadlineMs: 100 }).close?.(context)
  await vi.advanceTimersByTimeAsync(4_400)
  await expect(closing).resolves.toBeUndefined()
})

it('the trail says how each sink does: what it refused, and whether it fails until it acknowledged and a minute was quiet', async () => {
  vi.useFakeTimers()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const [file, copy] = [trialSink('file'), trialSink('copy')]
  const trail = auditTrail({ sinks: [required(file), bestEffort(copy)] })
  const isFailing = (): boolean | undefined => trail.health?.()['copy']?.isFailing
  expect(trail.health?.()).toEqual({
    file: { status: 'unchecked', isRequired: true, isFailing: false, refused: 0 },
    copy: { status: 'unchecked', isRequired: false, isFailing: false, refused: 0 },
  })
  copy.behaviour = 'rejects'
  for (let count = 0; count < 3; count++) await trail.record(event, context)
  await vi.advanceTimersByTimeAsync(59_999)
  copy.behaviour = 'ok'
  await trail.record(event, context)
  expect(trail.health?.()).toMatchObject({ file: { refused: 0 }, copy: { isFailing: true, refused: 3 } })
  await vi.advanceTimersByTimeAsync(1)
  expect(isFailing()).toBe(false)
  expect(trail.health?.()['copy']?.status).toBe('ok')
  await trail.close?.(context)
})
