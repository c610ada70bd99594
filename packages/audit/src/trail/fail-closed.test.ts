import { createSecretsManager, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { faultyProvider, leaksOf, managerOperations, memoryProvider } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { auditTrail } from './audit-trail.ts'
import { behaviours, slowMs, type SinkBehaviour, type TrialSink, trialSink } from '../testing/trial-sink.ts'
import { bestEffort, required } from './trail-sink.ts'

const sinkDeadlineMs = 100
const canary = 'canary-of-a-value'
const { secrets: held, changes, ...operations } = managerOperations(canary)
const reads: typeof operations.reads = {
  ...operations.reads,
  'getSecret of what is not there': (secrets) => secrets.getSecret('missing'),
  checkHealth: (secrets) => secrets.checkHealth(),
}

beforeEach(() => {
  // The engine is loaded by the real event loop.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

interface Case {
  readonly kinds: readonly [SinkBehaviour, SinkBehaviour]
  readonly isRequired: readonly [boolean, boolean]
}

const pairings = behaviours.flatMap((one) => behaviours.map((other) => [one, other] as const))
const choices = [true, false].flatMap((one) => [true, false].map((other) => [one, other] as const))
const cases: Case[] = pairings.flatMap((kinds) => choices.map((isRequired) => ({ kinds, isRequired })))

const acknowledges = (kind: SinkBehaviour): boolean => kind === 'ok' || kind === 'slow'

/** The rule in one line, written a second time. */
function mayLeave({ kinds, isRequired }: Case): boolean {
  const asked = kinds.filter((_, index) => isRequired[index])
  return asked.length > 0 ? asked.every(acknowledges) : kinds.some(acknowledges)
}

interface Trial {
  readonly secrets: SecretsManager
  readonly sinks: readonly TrialSink[]
  readonly sent: () => number
}

async function trial({ kinds, isRequired }: Case, phase?: 'intent' | 'outcome'): Promise<Trial> {
  const sinks = kinds.map((_, index) => trialSink(`sink ${index}`, 'ok', phase, canary))
  const provider = faultyProvider(memoryProvider({ secrets: held }), () => undefined)
  const audit = auditTrail({ sinks: sinks.map((sink, index) => (isRequired[index] ? required(sink) : bestEffort(sink))), sinkDeadlineMs })
  const secrets = createSecretsManager({ providers: [provider], audit })
  await secrets.checkHealth()
  for (const [index, sink] of sinks.entries()) sink.behaviour = kinds[index] ?? 'ok'
  const before = provider.calls()
  return { secrets, sinks, sent: () => provider.calls() - before }
}

interface Settled {
  readonly result: PromiseSettledResult<unknown>
  readonly tookMs: number
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Runs it until it settles, in steps of fake time. */
async function settled(operation: Promise<unknown>): Promise<Settled> {
  const begun = Date.now()
  const results: PromiseSettledResult<unknown>[] = []
  void Promise.allSettled([operation]).then((ended) => results.push(...ended))
  for (let step = 0; step < 1000; step++) {
    await turn()
    const [result] = results
    if (result !== undefined) return { result, tookMs: Date.now() - begun }
    await vi.advanceTimersByTimeAsync(1)
  }
  throw new Error('the operation hangs')
}

const codeOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'fulfilled' ? 'ok' : SecretsError.isInstance(result.reason) ? result.reason.code : 'foreign'

const title = ({ kinds, isRequired }: Case): string =>
  kinds.map((kind, index) => `${isRequired[index] ? 'required' : 'best-effort'} ${kind}`).join(', ')

describe.each(cases.map((one) => [title(one), one] as const))('with sinks %s', (_, one) => {
  it.each(Object.entries(reads))('%s gives a value only if the rule allows it', async (name, read) => {
    const { secrets } = await trial(one)
    const { result, tookMs } = await settled(read(secrets))
    const allowed = name.includes('not there') ? 'NOT_FOUND' : 'ok'
    expect(codeOf(result)).toBe(mayLeave(one) ? allowed : 'AUDIT_FAILED')
    if (!mayLeave(one)) expect(leaksOf(result, canary)).toEqual([])
    expect(tookMs).toBeLessThanOrEqual(sinkDeadlineMs + 1)
  })

  it.each(Object.entries(changes))('%s sends nothing unless its intent is acknowledged', async (_name, change) => {
    const { secrets, sent } = await trial(one, 'intent')
    const { result } = await settled(change(secrets))
    if (mayLeave(one)) return expect(sent()).toBeGreaterThan(0)
    expect([codeOf(result), sent()]).toEqual(['AUDIT_FAILED', 0])
    return expect(leaksOf(result, canary)).toEqual([])
  })

  it.each(Object.entries(changes))('%s says that it is done if only its outcome was not acknowledged', async (_name, change) => {
    const { secrets } = await trial(one, 'outcome')
    const { result } = await settled(change(secrets))
    if (mayLeave(one)) return expect(codeOf(result)).not.toBe('AUDIT_FAILED')
    return expect(result).toMatchObject({ reason: { code: 'AUDIT_FAILED', effect: 'done' } })
  })
})

describe('a sink that hangs', () => {
  const read = (secrets: SecretsManager): Promise<unknown> => secrets.getSecret('token')

  it('costs its deadline where it is required, and nothing where it is not', async () => {
    expect((await settled(read((await trial({ kinds: ['hangs', 'ok'], isRequired: [true, true] })).secrets))).tookMs).toBe(sinkDeadlineMs)
    expect((await settled(read((await trial({ kinds: ['hangs', 'ok'], isRequired: [false, true] })).secrets))).tookMs).toBeLessThanOrEqual(
      1,
    )
    expect(
      (await settled(read((await trial({ kinds: ['hangs', 'slow'], isRequired: [false, false] })).secrets))).tookMs,
    ).toBeLessThanOrEqual(slowMs + 1)
  })

  it('is aborted when nobody waits for it any more', async () => {
    const seen = Promise.withResolvers<AbortSignal>()
    const sink = {
      ...trialSink('hung'),
      write: (_record: unknown, { signal }: { signal: AbortSignal }) => (seen.resolve(signal), new Promise<void>(() => {})),
    }
    const audit = auditTrail({ sinks: [required(sink)], sinkDeadlineMs })
    const recording = Promise.allSettled([
      audit.record({ phase: 'outcome', time: 1, operation: 'get', name: 'a' }, { signal: new AbortController().signal }),
    ])
    const signal = await seen.promise
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(sinkDeadlineMs)
    expect([signal.aborted, (await recording)[0].status]).toEqual([true, 'rejected'])
  })

  it('does not fill the memory', async () => {
    const hung = trialSink('hung', 'hangs')
    const audit = auditTrail({ sinks: [bestEffort(hung), required(trialSink('ok'))] })
    const event = { phase: 'outcome', time: 1, operation: 'get', name: 'a' } as const
    for (let count = 0; count < 17_000; count++) await audit.record(event, { signal: new AbortController().signal })
    expect(hung.calls).toBe(16_384)
  })
})
