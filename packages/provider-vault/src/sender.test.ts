import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { vaultAnswer, type VaultAnswer } from './answer.ts'
import { ClusterState } from './cluster-state.ts'
import { bounded } from './deadline.ts'
import { answerError, type Outgoing, vaultSender } from './sender.ts'

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) }))
afterEach(() => void vi.useRealTimers())

const read: Outgoing = { method: 'GET', path: 'secret/data/app', call: 'read' }
const behind = (retryAfter: string): VaultAnswer => vaultAnswer(412, '{"errors":[]}', { retryAfter })

/** How often it was sent within five seconds, and what came of it when. */
async function sent(answer: VaultAnswer): Promise<{ times: number; status: number; ms: number }> {
  let times = 0
  const startedAt = Date.now()
  const send = vaultSender({
    exchange: async () => {
      times += 1
      return answer
    },
    state: new ClusterState(),
    namespace: undefined,
  })
  const call = bounded({ timeoutMs: 5000, closing: new AbortController().signal }, (signal) => send(read, signal))
  const ended = call.then(({ status }) => ({ status, ms: Date.now() - startedAt }))
  await vi.advanceTimersByTimeAsync(6000)
  return { times, ...(await ended) }
}

test('what a server says about when to come back is heeded: a second, and not before an hour', async () => {
  expect(await sent(behind('1'))).toEqual({ times: 3, status: 412, ms: 2000 })
  expect(await sent(behind('3600'))).toEqual({ times: 1, status: 412, ms: 0 })
  expect(await sent(behind('Wed, 25 Nov 2026 01:00:00 GMT'))).toEqual({ times: 1, status: 412, ms: 0 })
})

test('a server that says to come back at once, or that the time is past, is not stormed', async () => {
  for (const retryAfter of ['0', 'Wed, 25 Nov 2020 00:00:00 GMT']) {
    const { times } = await sent(vaultAnswer(307, '', { retryAfter }))
    expect(times).toBeGreaterThan(3)
    expect(times).toBeLessThan(20)
    expect((await sent(behind(retryAfter))).ms).toBeGreaterThan(150)
  }
})

test.each(['-5', '1.5', '+7', '12/31/2099', '99 GMT', '1e3', '0x10', 'Infinity', ''])('"%s" is no time to come back', (retryAfter) => {
  const fault = { code: 'RATE_LIMITED', problem: 'a rate limit is exceeded' } as const
  const { retryAt } = answerError(behind(retryAfter), fault, 'read')
  // A number of four digits is one of seconds.
  expect(retryAt).toBe(retryAfter === '2099' ? Date.now() + 2_099_000 : undefined)
})
