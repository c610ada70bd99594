import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OutageWarning, OutageTracker } from './outage-warning.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const warned = (): string[] => vi.mocked(process.emitWarning).mock.calls.map(([text]) => String(text))
const pass = (ms: number): void => void vi.advanceTimersByTime(ms)

it('warns once for each outage of a provider', () => {
  const aws = new OutageWarning('aws', true)
  const vault = new OutageWarning('vault', true)
  for (let count = 0; count < 3; count += 1) aws.failed('UNAVAILABLE')
  vault.failed('DEADLINE_EXCEEDED')
  aws.answered()
  pass(60_000)
  aws.failed('RATE_LIMITED')
  expect(warned()).toEqual([
    "Secrets provider 'aws' cannot be asked (UNAVAILABLE): answers are stale or come from a later provider",
    "Secrets provider 'vault' cannot be asked (DEADLINE_EXCEEDED): answers are stale or come from a later provider",
    "Secrets provider 'aws' cannot be asked (RATE_LIMITED): answers are stale or come from a later provider",
  ])
  expect(vi.mocked(process.emitWarning).mock.calls[0]?.[1]).toEqual({ type: 'SecretsWarning', code: 'FINCHAT_SECRETS_DEGRADED' })
})

it('warns once while some secrets are answered and others are not', () => {
  const outage = new OutageWarning('aws', true)
  for (let count = 0; count < 500; count += 1) {
    outage.failed('RATE_LIMITED')
    outage.answered()
    pass(59_999)
  }
  expect(warned()).toHaveLength(1)
})

it('warns once of an outage with rare calls', () => {
  const outage = new OutageWarning('aws', true)
  for (let count = 0; count < 5; count += 1) {
    outage.failed('UNAVAILABLE')
    pass(3_600_000)
  }
  expect(warned()).toHaveLength(1)
})

it('is not silenced by a clock that was set back', () => {
  const outage = new OutageWarning('aws', true)
  outage.failed('UNAVAILABLE')
  outage.answered()
  vi.setSystemTime(0)
  outage.failed('UNAVAILABLE')
  expect(warned()).toHaveLength(2)
})

it('does not mention a later provider if there is none', () => {
  new OutageWarning('aws', false).failed('UNAVAILABLE')
  expect(warned()).toEqual(["Secrets provider 'aws' cannot be asked (UNAVAILABLE): answers are stale, or fail where none is held"])
})

it('continues an outage in which each failure is followed by an answer', () => {
  const outage = new OutageTracker()
  const failed = (): boolean => {
    const begins = outage.failed()
    outage.answered()
    return begins
  }
  const begins = [failed(), failed()]
  pass(60_000)
  expect([...begins, failed(), failed()]).toEqual([true, false, true, false])
})

it('continues an outage as long as no call was answered since its last failure', () => {
  const outage = new OutageTracker()
  outage.failed()
  outage.answered()
  outage.failed()
  pass(60_000)
  expect(outage.failed()).toBe(false)
})
