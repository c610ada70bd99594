import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readSecretInput } from './secret-input.ts'
import type { Terminal } from './terminal.ts'

const canary = 'canary-4711'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A terminal whose keys are those that a test types. */
function openTerminal(): { readonly terminal: Terminal; readonly keys: PassThrough; readonly shown: () => string } {
  const [keys, screen] = [new PassThrough(), new PassThrough()]
  const written: string[] = []
  screen.on('data', (chunk: Buffer) => written.push(chunk.toString()))
  const stdin = Object.assign(keys, { isTTY: true, setRawMode: () => stdin }) as unknown as NodeJS.ReadStream // what is used of it
  const stderr = Object.assign(screen, { isTTY: true, columns: 80, rows: 24 })
  const terminal = { stdin, stdout: { write: () => true, isTTY: true }, stderr, env: {}, cwd: () => '/' }
  return { terminal, keys, shown: () => written.join('') }
}

it('waits for the rest of a text that is pasted over a slow line, and leaves none of it to the shell', async () => {
  const { terminal, keys, shown } = openTerminal()
  const answer = readSecretInput(terminal, { question: 'Value (hidden)', exact: false }).catch((error: unknown) => error)
  await expect.poll(shown).toContain('Value (hidden)')
  for (const part of ['-----BEGIN-----\r', canary, `\r${canary}`, '\r-----END', '-----\r']) {
    keys.write(part)
    await vi.advanceTimersByTimeAsync(40)
  }
  await vi.advanceTimersByTimeAsync(60)
  expect(await answer).toMatchObject({ message: 'more than one line was pasted' })
  keys.write('typed')
  expect([String(keys.read()), shown()]).toEqual(['typed', expect.not.stringContaining(canary)])
})

it('does not wait longer than a pause after a single line', async () => {
  const { terminal, keys, shown } = openTerminal()
  const answer = readSecretInput(terminal, { question: 'Value (hidden)', exact: false })
  await expect.poll(shown).toContain('Value (hidden)')
  keys.write(`${canary}\r`)
  await vi.advanceTimersByTimeAsync(60)
  expect(await answer).toBe(canary)
})
