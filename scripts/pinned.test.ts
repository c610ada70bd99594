import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeScratch, root } from './files.ts'
import { aptLocks, npmSpecs, pipLocks } from './pinned.ts'

test('every package that is fetched from npm has a sha512, and no other is pinned', () => {
  const pins = JSON.parse(readFileSync(join(root, 'scripts/pins.json'), 'utf8')) as Record<string, string> // written by pins:update
  expect(Object.keys(pins)).toEqual([...npmSpecs].toSorted())
  for (const hash of Object.values(pins)) expect(hash).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/)
})

test.each(pipLocks)('$lock has what is installed, each at one version with the hashes of its files', ({ lock, packages }) => {
  const entries = readFileSync(join(root, lock), 'utf8').replaceAll(' \\\n', ' ').trim().split('\n')
  for (const entry of entries) expect(entry).toMatch(/^[a-z0-9.-]+==[\w.]+( ; [^;]+?)?( +--hash=sha256:[0-9a-f]{64})+$/)
  const pinned = entries.map((entry) => entry.split(' ')[0])
  expect(packages.filter((each) => !pinned.includes(each))).toEqual([])
})

test.each(aptLocks)('$lock has the hash of a file of each system that Debian has it for', ({ lock, spec }) => {
  const [name, version] = spec.split('=')
  for (const line of readFileSync(join(root, lock), 'utf8').trim().split('\n')) {
    expect(line).toMatch(/^[0-9a-f]{64} {2}[a-z]/)
    expect(line.split('  ')[1]?.startsWith(`${name}_${version}_`)).toBe(true)
  }
})

describe('pnpm pins:update', () => {
  const hashOf = (letter: string): string => `sha512-${letter.repeat(86)}==`

  /**
   * The test's own npm gives one hash for all packages; its own Python installs a uv that logs its
   * arguments.
   */
  function update(
    known: Record<string, string>,
    ...args: string[]
  ): { status: number | null; stderr: string; read: (path: string) => string } {
    const project = makeScratch('pins-update-')
    onTestFinished(() => rmSync(project, { recursive: true }))
    for (const path of ['scripts', 'tests/servers/src']) cpSync(join(root, path), join(project, path), { recursive: true })
    mkdirSync(join(project, 'bin'))
    writeFileSync(join(project, 'scripts/pins.json'), JSON.stringify(known))
    const program = (name: string, script: string): void => {
      writeFileSync(join(project, 'bin', name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(project, 'bin', name), 0o755)
    }
    program('npm', `echo '"${hashOf('A')}"'`)
    program('apt-cache', `printf 'Filename: pool/main/p/other_1_amd64.deb\\nSHA256: ${'a'.repeat(64)}\\n'`)
    program('uv', 'echo "$(cat | tr "\\n" " ")" "$@" >>uv-arguments')
    program('python3', 'while [ "$1" != --target ]; do shift; done; mkdir "$2/bin"; cp "$(dirname "$0")/uv" "$2/bin"')
    const env = { ...process.env, PATH: `${join(project, 'bin')}${delimiter}${process.env['PATH']}` }
    const { status, stderr } = spawnSync(process.execPath, ['scripts/update-pins.ts', ...args], { cwd: project, env, encoding: 'utf8' })
    return { status, stderr, read: (path) => readFileSync(join(project, path), 'utf8') }
  }

  test('asks npm for every hash, and has uv lock what comes from PyPI', () => {
    const { status, read } = update({})
    expect(status).toBe(0)
    const pins = JSON.parse(read('scripts/pins.json')) as Record<string, string> // as it was just written
    expect([Object.keys(pins), new Set(Object.values(pins))]).toEqual([[...npmSpecs].toSorted(), new Set([hashOf('A')])])
    const calls = read('uv-arguments').trim().split('\n')
    expect(calls).toHaveLength(pipLocks.length)
    for (const call of calls) expect(call).toMatch(/--universal --generate-hashes/)
    expect(calls.filter((call) => !call.includes('--no-deps'))).toEqual([expect.stringMatching(/^moto==/)])
    expect(read('uv-arguments')).not.toContain('--upgrade')
    for (const { lock } of aptLocks) expect(read(lock)).toBe(`${'a'.repeat(64)}  other_1_amd64.deb\n`)
  })

  test('`--upgrade` updates what moto depends on', () => {
    expect(update({}, '--upgrade').read('uv-arguments')).toContain('--upgrade')
  })

  test('stops where npm has another hash for a version that is pinned, and writes nothing', () => {
    const [spec = ''] = npmSpecs
    const { status, stderr, read } = update({ [spec]: hashOf('B') })
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${spec} was pinned as ${hashOf('B')}, but npm has ${hashOf('A')}`)])
    expect(read('scripts/pins.json')).toBe(JSON.stringify({ [spec]: hashOf('B') }))
  })
})
