import { expect, test, vi } from 'vitest'
import { existsSync } from 'node:fs'
import { SetupError } from './toolchain.mjs'
import { checkInScratch, Tally } from './tally.ts'

function tallyOf(isCi: boolean): { tally: Tally; lines: string[] } {
  const lines: string[] = []
  return { tally: new Tally(isCi, (line) => void lines.push(line)), lines }
}

test('ends with what has passed and failed, and prints each fault before it', async () => {
  const { tally, lines } = tallyOf(false)
  const faults = vi.spyOn(console, 'error').mockImplementation(() => {})
  expect([tally.add([]), tally.add(['a', 'b'])]).toEqual([true, false])
  expect(await tally.timed('one   of two', () => ['is wrong'])).toBe(false)
  expect(await tally.timed('another', () => [])).toBe(true)
  expect(tally.end()).toBe(1)
  expect(faults.mock.calls).toEqual([['a'], ['b'], ['one of two: is wrong']])
  expect(lines).toEqual([expect.stringMatching(/^✗ one {3}of two .* s$/), expect.stringMatching(/^✓ another/), '2 passed, 2 failed'])
  faults.mockRestore()
})

test.each([
  [false, '1 passed, 0 failed', 0],
  [true, '1 passed, 1 failed', 1],
])('what cannot run is no pass, and in CI (%s) a failure', (isCi, counts, status) => {
  const { tally, lines } = tallyOf(isCi)
  tally.add([])
  tally.notRun('esbuild', 'npm cannot install it')
  tally.notRun('deno compile', 'there is no denort', true)
  expect(tally.end()).toBe(status)
  expect(lines).toEqual(['NOT RUN  esbuild: npm cannot install it', 'NOT RUN  deno compile: there is no denort', counts])
})

test('a check has a folder of its own, which is gone at the end, also where it cannot be set up', async () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  const faults = vi.spyOn(console, 'error').mockImplementation(() => {})
  const folders: string[] = []
  const before = process.exitCode
  await checkInScratch('tally-', (folder) => {
    folders.push(folder)
    expect(existsSync(folder)).toBe(true)
    throw new SetupError('core is not built')
  })
  expect([process.exitCode, ...print.mock.calls, ...faults.mock.calls]).toEqual([1, ['0 passed, 1 failed'], ['core is not built']])
  process.exitCode = before
  const defect = checkInScratch('tally-', (folder) => {
    folders.push(folder)
    throw new TypeError('of ours')
  })
  await expect(defect).rejects.toThrow('of ours')
  expect(folders.map((folder) => existsSync(folder))).toEqual([false, false])
  vi.restoreAllMocks()
})
