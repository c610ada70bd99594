import { expect, test } from 'vitest'
import { type WatchEvent, WatchEvents } from './watch-events.ts'

/** What is heard of these pieces, and the failure that ended the watch. */
function received(...pieces: readonly (string | Uint8Array)[]): { readonly heard: WatchEvent[]; readonly events: WatchEvents } {
  const heard: WatchEvent[] = []
  const events = new WatchEvents((event) => heard.push(event))
  for (const piece of pieces) events.receive(Buffer.from(piece))
  return { heard, events }
}

const line = (type: string, resourceVersion: unknown): string => `${JSON.stringify({ type, object: { metadata: { resourceVersion } } })}\n`

test('events are put together from pieces, even within a character', () => {
  const text = line('ADDED', '1') + line('BOOKMARK', '2') + line('MODIFIED', 'é3') + line('DELETED', '4')
  const { heard, events } = received(...[...Buffer.from(text)].map((byte) => Uint8Array.of(byte)))
  expect(heard).toEqual([
    { kind: 'changed', revision: '1' },
    { kind: 'bookmark', revision: '2' },
    { kind: 'changed', revision: 'é3' },
    { kind: 'deleted', revision: '4' },
  ])
  expect(events.failure).toBeUndefined()
})

test.each([
  ['an error', '{"type":"ERROR","object":{"kind":"Status","code":410}}\n', { code: 'UNAVAILABLE', storeStatus: '410' }],
  ['an error without a code', '{"type":"ERROR","object":{}}\n', { code: 'UNAVAILABLE', storeStatus: undefined }],
  ['no JSON', 'so long\n', { code: 'INTERNAL' }],
  ['an unknown type', line('OTHER', '1'), { code: 'INTERNAL' }],
  ['a type that is no text', '{"type":["ADDED"],"object":{"metadata":{"resourceVersion":"1"}}}\n', { code: 'INTERNAL' }],
  ['a version that is no text', line('ADDED', 1), { code: 'INTERNAL' }],
  ['a line of more than 2 MiB', 'x'.repeat(2_097_153), { code: 'INTERNAL' }],
])('%s ends the watch at once, and nothing behind it is heard', (_what, text, error) => {
  expect(received(text).events.failure).toMatchObject(error)
  for (const pieces of [[text + line('ADDED', '1')], [text, line('ADDED', '1')]]) {
    const { heard, events } = received(...pieces)
    expect(heard).toEqual([])
    expect(events.failure).toBeDefined()
  }
})

test('a line may have 2 MiB, and lines without an event are passed over', () => {
  const { heard, events } = received(`\n \r\n${line('ADDED', '1')}`, 'x'.repeat(2_097_152))
  expect([events.failure, heard]).toEqual([undefined, [{ kind: 'changed', revision: '1' }]])
})

test('the first failure is that of the watch', () => {
  const { events } = received('{"type":"ERROR","object":{"code":410}}\n', 'x'.repeat(2_097_153))
  expect(events.failure?.storeStatus).toBe('410')
})
