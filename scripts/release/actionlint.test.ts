import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { findActionlint } from './actionlint.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'actionlint-'))
  const own = folder
  onTestFinished(() => rmSync(own, { recursive: true }))
})

/** A program of the shell, in a folder that stands on the PATH. */
function program(name: string, script: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
  return { PATH: `${bin}:/usr/bin:/bin` }
}

test('the actionlint of this machine is taken', () => {
  expect(findActionlint(folder, { PATH: '', ACTIONLINT: '/opt/actionlint' })).toBe('/opt/actionlint')
  expect(findActionlint(folder, program('actionlint', ''))).toBe(join(folder, 'bin/actionlint'))
})

test('Go makes one of a version that is pinned, once', () => {
  const env = program('go', 'echo "$2" >> "${0%/*}/asked"; mkdir -p "$GOBIN"; echo > "$GOBIN/actionlint"')
  const made = findActionlint(folder, env)
  expect(made).toMatch(/actionlint-v\d+\.\d+\.\d+\/actionlint$/)
  rmSync(join(folder, 'bin/go'))
  expect(findActionlint(folder, env)).toBe(made)
})

test.each([
  ['without Go', 'other', ''],
  ['where Go cannot fetch it', 'go', 'exit 1'],
])('there is none %s', (_, name, script) => {
  expect(findActionlint(folder, program(name, script))).toBeUndefined()
})
