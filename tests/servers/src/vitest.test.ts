import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

interface Run {
  readonly status: number | null
  readonly output: string
  readonly counts: readonly number[]
}

/** Runs one test file that needs a server which is not there, and one test that does not. */
function run(env: Record<string, string>, server = 'openbao'): Run {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const project = mkdtempSync(join(cache, 'needs-server-'))
  onTestFinished(() => rmSync(project, { recursive: true }))
  const file = `
    import { describe, expect, test } from 'vitest'
    import { describeWithServer } from '${join(import.meta.dirname, 'vitest.ts')}'
    describeWithServer(['${server}'], 'a store', () => {
      test('reads', () => expect(1).toBe(1))
      describe('deeper', () => test('writes', () => expect(1).toBe(1)))
    })
    test('another', () => expect(1).toBe(1))`
  writeFileSync(join(project, 'store.test.ts'), file)
  const reporters = ['--reporter=dot', '--reporter=json', `--reporter=${join(import.meta.dirname, 'not-run-reporter.ts')}`]
  const command = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', project, ...reporters, '--outputFile.json=report.json']
  const { CI: _, ...inherited } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', env: { ...inherited, ...env } })
  const report = JSON.parse(readFileSync(join(project, 'report.json'), 'utf8')) as Record<string, number> // vitest's format
  const counts = ['numPassedTests', 'numFailedTests', 'numPendingTests'].map((count) => report[count] ?? NaN)
  return { status, output: stdout + stderr, counts }
}

const notThere = { FINCHAT_TEST_OPENBAO: '/nowhere/bao', NO_COLOR: '1' }

test('a suite whose server cannot be had is named at the end, with reason and remedy, and counts for nothing', () => {
  const { status, output, counts } = run(notThere)
  expect({ status, counts }).toEqual({ status: 0, counts: [1, 0, 2] })
  expect(output.split('\n').filter((line) => line.startsWith('NOT RUN'))).toEqual([
    'NOT RUN  store.test.ts > a store: needs OpenBao 2.7.2, but FINCHAT_TEST_OPENBAO names /nowhere/bao, which is not there: ' +
      'let FINCHAT_TEST_OPENBAO name the program `bao` or `vault`',
  ])
})

test('in CI it fails', () => {
  const { status, output, counts } = run({ ...notThere, CI: '1' })
  expect({ status, counts }).toEqual({ status: 1, counts: [1, 1, 0] })
  expect(output).toContain('this suite needs OpenBao 2.7.2, but FINCHAT_TEST_OPENBAO names /nowhere/bao')
})

test('with its server it runs', () => {
  const { status, output, counts } = run({ ...notThere, FINCHAT_TEST_OPENBAO: process.execPath })
  expect({ status, counts }).toEqual({ status: 0, counts: [3, 0, 0] })
  expect(output).not.toContain('NOT RUN')
})

test('without a server that not every system has, it does not run in CI either', () => {
  const { status, output, counts } = run({ FINCHAT_TEST_PROMTOOL: '/nowhere/promtool', NO_COLOR: '1', CI: '1' }, 'promtool')
  expect({ status, counts }).toEqual({ status: 0, counts: [1, 0, 2] })
  expect(output).toContain('NOT RUN  store.test.ts > a store: needs promtool 2.42.0')
})
