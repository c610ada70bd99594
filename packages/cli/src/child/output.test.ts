import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { showRedacted } from './output.ts'
import { RedactedValues } from './redacted-values.ts'
import { Redactor } from './redactor.ts'

/** Both ends of a pipe that do not block, and which is full. */
function fullPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const folder = mkdtempSync(join(tmpdir(), 'full-pipe-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  onTestFinished(() => {
    for (const end of [readEnd, writeEnd]) closeSync(end)
    rmSync(folder, { recursive: true })
  })
  for (const size of [4_096, 1]) whileItTakes(() => writeSync(writeEnd, Buffer.alloc(size, '.')))
  return { readEnd, writeEnd }
}

function whileItTakes(call: () => number): void {
  try {
    while (call() > 0);
  } catch {
    // It is full, or empty.
  }
}

function drained(readEnd: number): string {
  const chunks: Buffer[] = []
  const buffer = Buffer.alloc(4_096)
  whileItTakes(() => {
    const length = readSync(readEnd, buffer)
    chunks.push(Buffer.from(buffer.subarray(0, length)))
    return length
  })
  return Buffer.concat(chunks).toString().replaceAll('.', '')
}

it('shows a held beginning before what follows, although the reader was busy in between', async () => {
  const { readEnd, writeEnd } = fullPipe()
  const redactor = new Redactor(new RedactedValues([{ name: 'TOKEN', bytes: Buffer.from('canary-4711') }]))
  const { signal } = new AbortController()
  async function* output(): AsyncGenerator<Buffer> {
    yield Buffer.from('c') // might begin the value, and is released after 50 ms
    for (let at = 0; at < 40; at++) {
      await wait(10)
      if (at === 15) drained(readEnd)
      if (at >= 15) yield Buffer.from(`${at},`)
    }
  }
  expect(await showRedacted(Readable.from(output()), { write: () => true, fd: writeEnd }, redactor, signal)).toBe('all')
  expect(drained(readEnd)).toBe(`c${Array.from({ length: 25 }, (_, at) => `${at + 15},`).join('')}`)
})
