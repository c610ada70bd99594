import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from './files.ts'

// A project whose npm is a shell script that the test writes: it gets `test`, then
// `run test:machine`.
let project = ''

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'ci-test-'))
  mkdirSync(join(project, '.ci'))
  mkdirSync(join(project, 'bin'))
  copyFileSync(join(root, '.ci/run'), join(project, '.ci/run'))
})
afterEach(() => rmSync(project, { recursive: true }))

function ci(tests: string, machine: string): { status: number | null; lines: string[]; asked: string } {
  const npm = join(project, 'bin/npm')
  writeFileSync(npm, `#!/bin/sh\necho "$*" >>asked\ncase "$1" in\ntest) ${tests} ;;\nrun) ${machine} ;;\nesac\n`)
  chmodSync(npm, 0o755)
  const env = { ...process.env, PATH: `${join(project, 'bin')}:/bin:/usr/bin` }
  const { status, stdout } = spawnSync('bash', [join(project, '.ci/run')], { cwd: root, env, encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n'), asked: readFileSync(join(project, 'asked'), 'utf8') }
}

test('both commands run, and the last line sums what they counted', () => {
  const { status, lines, asked } = ci('echo "12 passed, 0 failed"', 'echo "3 passed, 0 failed"')
  expect([status, lines.at(-1)]).toEqual([0, '15 passed, 0 failed'])
  expect(asked).toBe('test\nrun test:machine\n')
})

test('bytes of any kind hide no counts', () => {
  const { lines } = ci(String.raw`printf "\\000\n7 passed, 0 failed\n"`, 'echo "1 passed, 0 failed"')
  expect(lines.at(-1)).toBe('8 passed, 0 failed')
})

test('what a command prints is shown, and its last counts are the ones that count', () => {
  const { status, lines } = ci('echo "1 passed, 9 failed"; echo "a line" >&2; echo "7 passed, 0 failed"', 'echo "1 passed, 0 failed"')
  expect(lines).toEqual(['1 passed, 9 failed', 'a line', '7 passed, 0 failed', '1 passed, 0 failed', '8 passed, 0 failed'])
  expect(status).toBe(0)
})

test.each([
  ['a failed test', 'echo "4 passed, 2 failed"; exit 1', '5 passed, 2 failed'],
  ['a failed test and the status of success', 'echo "4 passed, 2 failed"', '5 passed, 2 failed'],
  ['a failure after the counts', 'echo "4 passed, 0 failed"; exit 7', '5 passed, 1 failed'],
  ['a death before the counts', 'kill -9 $$', '1 passed, 1 failed'],
  ['no counts and the status of success', 'true', '1 passed, 1 failed'],
])('%s fails the run, and the other command is counted all the same', (_, script, counts) => {
  const healthy = 'echo "1 passed, 0 failed"'
  for (const { status, lines } of [ci(script, healthy), ci(healthy, script)]) {
    expect([status, lines.at(-1)]).toEqual([1, counts])
  }
})
