import { expect, it } from 'vitest'
import type { Terminal } from '../terminal/terminal.ts'
import { progressOn } from './progress.ts'

it.each([
  [true, ['\r\u001b[K1 of 2', '\r\u001b[K']],
  [false, []],
])('progress is written over, and only on a terminal: %s', (isTTY, written) => {
  const chunks: unknown[] = []
  const terminal = { stderr: { write: (text: unknown) => chunks.push(text), isTTY } } as unknown as Terminal // all that is used
  const progress = progressOn(terminal)
  progress.show('1 of 2')
  progress.end()
  expect(chunks).toEqual(written)
})
