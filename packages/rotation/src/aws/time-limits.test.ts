import { expect, onTestFinished, test, vi } from 'vitest'
import { awsTrial, first } from '../testing/aws-trial.ts'
import { MemoryAws } from '../testing/memory-aws.ts'
import { failureOf } from '../testing/rotations.ts'
import { signalOf } from './rotation-event.ts'

test('AWS has five seconds to answer', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const aws = new MemoryAws(first)
  const { step } = awsTrial({ client: { ...aws, describeSecret: () => new Promise(() => {}) } })
  const failure = failureOf(step('createSecret'))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await failure).toMatchObject({ code: 'DEADLINE_EXCEEDED', problem: expect.stringContaining('5000 ms') })
})

test.each([
  [10_000, 9_500],
  [400, 0],
])('of %d ms that Lambda leaves, a step has %d', (remaining, given) => {
  const timeout = vi.spyOn(AbortSignal, 'timeout')
  onTestFinished(() => timeout.mockRestore())
  expect(signalOf({ getRemainingTimeInMillis: () => remaining })?.aborted).toBe(false)
  expect(timeout.mock.calls).toEqual([[given]])
  expect([signalOf({}), signalOf(undefined)]).toEqual([undefined, undefined])
})

test('a step ends before Lambda ends the process', async () => {
  const { aws, handler } = awsTrial({ members: () => ({ next: () => new Promise(() => {}) }) })
  aws.begin('one')
  const step = handler({ Step: 'createSecret', SecretId: 'db', ClientRequestToken: 'one' }, { getRemainingTimeInMillis: () => 520 })
  expect(await failureOf(step)).toMatchObject({ code: 'ABORTED' })
})
