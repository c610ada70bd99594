import { SecretsError } from '@finchat/secrets-core'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { SecretsPath } from '../api/secrets-path.ts'
import { SecretWatches } from './watches.ts'

/** One request for a watch, which lasts until the test ends it. */
interface Request {
  readonly at: number
  readonly path: string
  readonly receive: (event: object) => void
  readonly end: () => void
  readonly fail: (error: SecretsError) => void
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
})

/** Watches over a server that answers as the test says, on a clock that the test moves. */
function watches() {
  const requests: Request[] = []
  const heard: (string | undefined)[] = []
  const closing = new AbortController()
  const tell = (
    { path, receive }: { readonly path: string; readonly receive?: ((piece: Uint8Array) => void) | undefined },
    signal: AbortSignal,
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => reject(new SecretsError('DEADLINE_EXCEEDED', 'no answer within the time limit')))
    const send = (event: object): void => receive?.(Buffer.from(`${JSON.stringify(event)}\n`))
    requests.push({ at: Date.now(), path, receive: send, end: resolve, fail: reject })
    return promise
  }
  const watched = new SecretWatches({
    api: { tell, ask: () => Promise.reject(new Error('a watch is told, not asked')) },
    paths: new SecretsPath('default'),
    closing: closing.signal,
  })
  const listen = (): (() => void) => watched.listeners.add((path) => heard.push(path))
  return { watched, requests, heard, listen, closing, last: () => requests.at(-1) as Request } // each test has made one
}

type Watches = ReturnType<typeof watches>

/** How long it takes from what the test does to the last watch until there is another one. */
async function pauseAfter({ requests, last }: Watches, outcome: (request: Request) => void): Promise<number> {
  await vi.advanceTimersByTimeAsync(0)
  const [count, from] = [requests.length, Date.now()]
  outcome(last())
  while (requests.length === count) await vi.advanceTimersToNextTimerAsync()
  return last().at - from
}

const failed = (code: SecretsError['code'], storeStatus: string) => (request: Request) =>
  request.fail(new SecretsError(code, 'no', { storeStatus }))
const unavailable = failed('UNAVAILABLE', '503')
const gone = failed('UNAVAILABLE', '410')
/** With an event: one that ends at once without any is a failure. */
const ended = (request: Request): void => {
  request.receive({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })
  request.end()
}

test('the pause after a failure doubles up to a minute, and is short again after a watch that the server ended', async () => {
  const trial = watches()
  trial.watched.saw('db', '1')
  trial.listen()
  const pauses: number[] = []
  for (let failures = 0; failures < 7; failures += 1) pauses.push(await pauseAfter(trial, unavailable))
  expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  expect([await pauseAfter(trial, ended), await pauseAfter(trial, unavailable)]).toEqual([1_000, 2_000])
})

test('a role that does not allow a watch is tried again after ten minutes', async () => {
  const trial = watches()
  trial.watched.saw('db', '1')
  trial.listen()
  expect(await pauseAfter(trial, failed('PERMISSION_DENIED', '403'))).toBe(600_000)
})

test('a server that lost the history is no failure, and the next watch begins at the current state', async () => {
  const trial = watches()
  trial.watched.saw('db', '1')
  trial.listen()
  await vi.advanceTimersByTimeAsync(0)
  trial.last().receive({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })
  expect([await pauseAfter(trial, unavailable), await pauseAfter(trial, unavailable)]).toEqual([2_000, 4_000])
  expect(trial.last().path).toContain('resourceVersion=7')
  expect(await pauseAfter(trial, gone)).toBe(1_000)
  expect(trial.last().path).not.toContain('resourceVersion')
  expect(await pauseAfter(trial, unavailable)).toBe(2_000)
})

test('a watch that the server does not end is given up after five minutes', async () => {
  const trial = watches()
  trial.watched.saw('db', '1')
  trial.listen()
  expect(await pauseAfter(trial, () => {})).toBe(302_000)
})

test.each([
  ['a line that is no event', { type: 'OTHER' }, 2_000],
  ['an error', { type: 'ERROR', object: { code: 500 } }, 2_000],
  ['an error that the history is lost', { type: 'ERROR', object: { code: 410 } }, 1_000],
])('%s ends a watch at once, though the server keeps it open', async (_what, event, ms) => {
  const trial = watches()
  trial.watched.saw('db', '1')
  trial.listen()
  expect(await pauseAfter(trial, (request) => request.receive(event))).toBe(ms)
})

test.each(['before', 'after'])('32 secrets are watched, of those that were read %s somebody listens', async (when) => {
  const { watched, requests, heard, listen } = watches()
  if (when === 'after') listen()
  for (let n = 1; n <= 40; n += 1) watched.saw(`db-${n}`, '1')
  if (when === 'before') listen()
  await vi.advanceTimersByTimeAsync(0)
  expect([requests.length, requests.at(-1)?.path.includes('name%3Ddb-32&'), heard]).toEqual([32, true, []])
})

test('a version is heard of once: from a read, a write or the watch', async () => {
  const { watched, requests, heard, listen, last } = watches()
  watched.saw('db', '1')
  listen()
  await vi.advanceTimersByTimeAsync(0)
  const event = (type: string, resourceVersion: string): object => ({ type, object: { metadata: { resourceVersion } } })
  const steps: Record<string, () => void> = {
    'a read of the same version': () => watched.saw('db', '1'),
    'a watch of the same version': () => last().receive(event('ADDED', '1')),
    'a bookmark': () => last().receive(event('BOOKMARK', '2')),
    'a read of another version': () => watched.saw('db', '3'),
    'the watch, of what was read': () => last().receive(event('MODIFIED', '3')),
    'a write': () => watched.wrote('db', '4'),
    'the watch, of what was written': () => last().receive(event('MODIFIED', '4')),
    'a deletion': () => last().receive(event('DELETED', '5')),
    'a read that finds nothing': () => watched.saw('db', undefined),
    'a first write of another secret': () => watched.wrote('other', '1'),
    'a read of what was written': () => watched.saw('other', '1'),
  }
  const told = Object.entries(steps).flatMap(([step, run]) => {
    const before = heard.length
    run()
    return heard.slice(before).map((path) => `${step}: ${path}`)
  })
  expect(told).toEqual(['a read of another version: db', 'a write: db', 'a deletion: db', 'a first write of another secret: other'])
  await vi.advanceTimersByTimeAsync(0)
  expect(requests, 'one watch of each').toHaveLength(2)
})

test('no watch begins after the last listener has ended, or after close; another listener begins it again', async () => {
  const { watched, requests, listen, closing, last } = watches()
  watched.saw('db', '1')
  const end = listen()
  await vi.advanceTimersByTimeAsync(0)
  end()
  watched.saw('other', '1')
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(requests).toHaveLength(1)
  listen()
  await vi.advanceTimersByTimeAsync(0)
  expect(requests.map(({ path }) => /name%3D(\w+)/.exec(path)?.[1])).toEqual(['db', 'db', 'other'])
  last().end()
  closing.abort()
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(requests).toHaveLength(3)
})
