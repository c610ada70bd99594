import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { root } from './files.ts'

// A project whose npm is a shell script that the test writes: it gets `test`, then
// `run test:machine`, then `run test:consumers`.
let project = ''

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'ci-test-'))
  mkdirSync(join(project, '.ci'))
  mkdirSync(join(project, 'bin'))
  copyFileSync(join(root, '.ci/run'), join(project, '.ci/run'))
})
afterEach(() => rmSync(project, { recursive: true }))

function ci(
  tests: string,
  machine: string,
  consumers = 'echo "0 passed, 0 failed"',
): { status: number | null; lines: string[]; asked: string } {
  const npm = join(project, 'bin/npm')
  writeFileSync(npm, `#!/bin/sh\necho "$*" >>asked\ncase "$*" in\ntest) ${tests} ;;\n*machine) ${machine} ;;\n*) ${consumers} ;;\nesac\n`)
  chmodSync(npm, 0o755)
  const env = { ...process.env, PATH: `${join(project, 'bin')}:/bin:/usr/bin` }
  const { status, stdout } = spawnSync('bash', [join(project, '.ci/run')], { cwd: root, env, encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n'), asked: readFileSync(join(project, 'asked'), 'utf8') }
}

test('all commands run, and the last line sums what they counted', () => {
  const { status, lines, asked } = ci('echo "12 passed, 0 failed"', 'echo "3 passed, 0 failed"', 'echo "20 passed, 0 failed"')
  expect([status, lines.at(-1)]).toEqual([0, '35 passed, 0 failed'])
  expect(asked).toBe('test\nrun test:machine\nrun test:consumers\n')
})

test('bytes of any kind hide no counts', () => {
  const { lines } = ci(String.raw`printf "\\000\n7 passed, 0 failed\n"`, 'echo "1 passed, 0 failed"')
  expect(lines.at(-1)).toBe('8 passed, 0 failed')
})

test('what a command prints is shown, and its last counts are the ones that count', () => {
  const { status, lines } = ci('echo "1 passed, 9 failed"; echo "a line" >&2; echo "7 passed, 0 failed"', 'echo "1 passed, 0 failed"')
  const [own, sum] = [['1 passed, 9 failed', 'a line', '7 passed, 0 failed'], '8 passed, 0 failed']
  expect(lines).toEqual([...own, '1 passed, 0 failed', '0 passed, 0 failed', sum])
  expect(status).toBe(0)
})

test.each([
  ['a failed test', 'echo "4 passed, 2 failed"; exit 1', '5 passed, 2 failed'],
  ['a failed test and the status of success', 'echo "4 passed, 2 failed"', '5 passed, 2 failed'],
  ['a failure after the counts', 'echo "4 passed, 0 failed"; exit 7', '5 passed, 1 failed'],
  ['a death before the counts', 'kill -9 $$', '1 passed, 1 failed'],
  ['no counts and the status of success', 'true', '1 passed, 1 failed'],
])('%s fails the run, and the other commands are counted all the same', (_, script, counts) => {
  const [one, none] = ['echo "1 passed, 0 failed"', 'echo "0 passed, 0 failed"']
  for (const { status, lines } of [ci(script, one), ci(one, script), ci(none, one, script)]) {
    expect([status, lines.at(-1)]).toEqual([1, counts])
  }
})

describe('use-node', () => {
  /** What the next steps find on their path. */
  function useNode(major: string, cached: readonly string[]): string {
    copyFileSync(join(root, '.ci/use-node'), join(project, '.ci/use-node'))
    for (const version of cached) mkdirSync(join(project, 'cache/node', version, 'x64'), { recursive: true })
    mkdirSync(join(project, 'scripts'))
    writeFileSync(join(project, 'scripts/newest-node.mjs'), "console.log('/fetched/' + process.argv[2])")
    const env = { ...process.env, RUNNER_TOOL_CACHE: join(project, 'cache'), GITHUB_PATH: join(project, 'path') }
    const { status, stderr } = spawnSync('bash', [join(project, '.ci/use-node'), major], { env, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return readFileSync(join(project, 'path'), 'utf8').replaceAll(project, '')
  }

  test("takes the runner's own Node.js of that major version, and no other", () => {
    expect(useNode('22', ['20.1.0', '22.19.0', '24.21.0'])).toBe('/cache/node/22.19.0/x64\n/cache/node/22.19.0/x64/bin\n')
  })

  test('has one fetched if the runner has none', () => {
    expect(useNode('26', ['22.19.0', '24.21.0'])).toBe('/fetched/26\n/fetched/26/bin\n')
  })
})

describe('tag-release', () => {
  /** What is tagged of a, b and c: a has its release already. */
  function tagged(published: string): string[] {
    copyFileSync(join(root, '.ci/tag-release'), join(project, '.ci/tag-release'))
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(join(project, 'packages', name), { recursive: true })
      writeFileSync(join(project, 'packages', name, 'package.json'), JSON.stringify({ name: `@x/${name}`, version: '0.1.0' }))
    }
    mkdirSync(join(project, 'release'))
    if (published !== '') writeFileSync(join(project, 'release/published.txt'), published)
    const gh = 'case "$2 $3" in "view @x/a@0.1.0") ;; view*) exit 1 ;; *) echo "$3 ${4##*/} $6" >>asked ;; esac'
    writeFileSync(join(project, 'bin/gh'), `#!/bin/sh\n${gh}\n`, { mode: 0o755 })
    writeFileSync(join(project, 'asked'), '')
    const env = { ...process.env, PATH: `${join(project, 'bin')}:${process.env['PATH']}`, GITHUB_SHA: 'f00' }
    const { status, stderr } = spawnSync('bash', ['.ci/tag-release', 'release'], { cwd: project, env, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return readFileSync(join(project, 'asked'), 'utf8').trimEnd().split('\n')
  }

  test('tags what was published and has no release yet', () => {
    expect(tagged('@x/c@0.1.0\n@x/b@0.1.0\n@x/a@0.1.0\n')).toEqual(['@x/b@0.1.0 x-b.json f00', '@x/c@0.1.0 x-c.json f00'])
  })

  test('leaves what was not published, or is there from another hand', () => {
    expect(tagged('@x/b@0.1.0\n')).toEqual(['@x/b@0.1.0 x-b.json f00'])
  })

  test('has nothing to do after a release that was refused', () => {
    expect(tagged('')).toEqual([''])
  })
})
