// Where actionlint is: on this machine, or made by its Go, as CI's runners have it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath } from '../find-program.ts'

/** Go compares its module and all that it needs with the checksums of sum.golang.org. */
const version = 'v1.7.12'
const installMs = 300_000

/** Its path; undefined where it is not installed and cannot be made. What Go makes stays in `cache`. */
export function findActionlint(cache: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env['ACTIONLINT'] ?? findOnPath('actionlint', env)
  if (given !== undefined) return given
  const folder = join(cache, `actionlint-${version}`)
  const program = join(folder, 'actionlint')
  if (!existsSync(program)) install(folder, env)
  return existsSync(program) ? program : undefined
}

function install(folder: string, env: NodeJS.ProcessEnv): void {
  const go = findOnPath('go', env)
  if (go === undefined) return
  const source = `github.com/rhysd/actionlint/cmd/actionlint@${version}`
  spawnSync(go, ['install', source], { env: { ...env, GOBIN: folder, GOTELEMETRY: 'off' }, stdio: 'ignore', timeout: installMs })
}
