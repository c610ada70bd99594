import { expect, test, vi } from 'vitest'
import type { RedisClient } from './redis-client.ts'
import { ServerRun } from './server-run.ts'

const runId = '0123456789abcdef'.repeat(3).slice(0, 40)
const answer = `# Server\r\nredis_version:8.2.1\r\nrun_id:${runId}\r\ntcp_port:6379\r\n`

type Send = ReturnType<typeof vi.fn<(...args: unknown[]) => Promise<unknown>>>

/** A client with these members, which only these calls ask. */
function serverOf(members: object, onRefusal = (): void => {}): ServerRun {
  return new ServerRun(members as unknown as RedisClient, onRefusal) // no other member is asked
}

const sending = (text: unknown): Send => vi.fn<(...args: unknown[]) => Promise<unknown>>(async () => text)

test.each([
  ['as the server writes it', answer, runId],
  ['with plain ends of lines', answer.replaceAll('\r', ''), runId],
  ['that a service hides by zeros', `run_id:${'0'.repeat(40)}\r\n`, undefined],
  ['that begins with zeros', `run_id:${'0'.repeat(39)}1\r\n`, `${'0'.repeat(39)}1`],
  ['of another length', `run_id:${runId}0\r\n`, undefined],
  ['of another line', `old_run_id:${runId}\r\n`, undefined],
  ['in a binary answer', Buffer.from(answer), undefined],
])('a run id %s', async (_what, text, id) => {
  expect(await serverOf({ info: sending(text) }).id('key')).toBe(id)
})

test('one server is asked by INFO, and the node of a cluster that holds the key by a script', async () => {
  const [info, own, nodes] = [sending(answer), sending(answer), sending(answer)]
  const script = "return redis.call('INFO', 'server')"
  expect(await serverOf({ info, eval: sending('x'), isCluster: false }).id('key')).toBe(runId)
  expect(await serverOf({ info: sending('x'), eval: own, isCluster: true }).id('key')).toBe(runId)
  expect(await serverOf({ info: sending('x'), eval: nodes, nodeClient: () => {} }).id('key')).toBe(runId)
  expect([info, own, nodes].map((send) => send.mock.calls)).toEqual([[['server']], [[script, 1, 'key']], [[script, { keys: ['key'] }]]])
})

test('a client keeps its own `this`, and one without the method tells nothing', async () => {
  const client = {
    text: answer,
    async info(): Promise<string> {
      return this.text
    },
  }
  expect(await serverOf(client).id('key')).toBe(runId)
  expect(await serverOf({ isCluster: true }).id('key')).toBeUndefined()
  expect(await serverOf({ info: 'none' }).id('key')).toBeUndefined()
})

test.each(["NOPERM User x has no permissions to run the 'info' command", "ERR unknown command 'INFO'"])(
  'a server that refuses the command is not asked again: %s',
  async (message) => {
    const info = vi.fn<() => Promise<unknown>>(() => Promise.reject(new Error(message)))
    const server = serverOf({ info })
    expect([await server.id('key'), await server.id('key')]).toEqual([undefined, undefined])
    expect(info).toHaveBeenCalledTimes(1)
  },
)

test.each([new Error('LOADING Redis is loading the dataset in memory'), new Error('x ERR y'), { message: 'ERR no Error' }])(
  'any other failure is passed on, and the server asked again: %o',
  async (failure: unknown) => {
    const info = vi.fn<() => Promise<unknown>>(() => Promise.reject(failure))
    const server = serverOf({ info })
    for (let calls = 0; calls < 2; calls += 1) await expect(server.id('key')).rejects.toBe(failure)
    expect(info).toHaveBeenCalledTimes(2)
  },
)

test('a refusal is told once, and again if the server told its run between', async () => {
  vi.useFakeTimers()
  const state = { isRefused: true }
  const info = async (): Promise<unknown> => (state.isRefused ? Promise.reject(new Error('NOPERM no permissions')) : answer)
  const told = vi.fn<() => void>()
  const server = serverOf({ info }, told)
  for (const [isRefused, times] of [
    [true, 1],
    [true, 1],
    [false, 1],
    [true, 2],
  ] as const) {
    state.isRefused = isRefused
    await server.id('key')
    expect(told).toHaveBeenCalledTimes(times)
    vi.advanceTimersByTime(300_000)
  }
  vi.useRealTimers()
})
