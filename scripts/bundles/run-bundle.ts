// Builds a bundle, runs it where there is no `node_modules` beside it, and judges what it prints.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { ownEnvironment } from '../npm-package.mjs'
import { failure } from '../pack.ts'
import type { Bundle, Provider } from './matrix.ts'
import { programOf } from './tools.ts'

export interface Place {
  /** Has `node_modules` with all tools. */
  readonly app: string
  /** In no folder above it is a `node_modules` with our packages. */
  readonly outside: string
  readonly env: Readonly<Record<string, string>>
}

export interface First {
  readonly value: string
  /** From the start of the process to the first secret. */
  readonly ms: number
}

export interface Built {
  readonly folder: string
  readonly bytes: number
}

/** Builds it and copies it out. Returns what is wrong instead, as a list. */
export function build(bundle: Bundle, { app, outside, env }: Place): Built | string[] {
  if (!bundle.build) return { folder: app, bytes: 0 }
  const output = bundle.output ?? 'out'
  for (const former of ['out', '.next']) rmSync(join(app, former), { recursive: true, force: true })
  const [program = '', ...args] = bundle.build
  const failed = failure(programOf(program, app), args, app, { ...ownEnvironment(), ...quiet(app), ...env })
  if (failed.length > 0) return failed
  const folder = mkdtempSync(join(outside, `${bundle.bundler}-`))
  cpSync(join(app, output), folder, { recursive: true })
  const bytes = bytesOf(folder)
  if (bundle.isBesidePackages) symlinkSync(join(app, 'node_modules'), join(folder, 'node_modules'))
  return { folder, bytes }
}

/** Of its own code: Next.js puts packages beside it. */
function bytesOf(folder: string): number {
  const sizes = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? 0 : bytesOf(path)
    return /\.[cm]?js$/.test(entry.name) ? statSync(path).size : 0
  })
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** No tool asks anybody for news, or fetches what is not there. */
function quiet(app: string): Record<string, string> {
  return { NEXT_TELEMETRY_DISABLED: '1', DENO_NO_UPDATE_CHECK: '1', DENO_DIR: join(app, 'deno'), DO_NOT_TRACK: '1', NODE_ENV: 'production' }
}

export async function firstSecret(bundle: Bundle, folder: string, provider: Provider, { app, env }: Place): Promise<First> {
  const [name = '', ...args] = bundle.run
  const program = name.includes('/') ? join(folder, name) : programOf(name, app)
  if (!isAbsolute(program)) throw new TypeError(`${program} is no path`)
  const ownEnv = { PATH: process.env['PATH'], ...quiet(app), ...env, PROVIDER: provider }
  if (bundle.isServer) return askServer(program, args, folder, ownEnv)
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env: ownEnv, timeout: 30_000 })
  return JSON.parse(stdout) as First // as app/main.mjs prints it
}

/** Next.js prints where it listens. Its time is that from its start to the answer. */
async function askServer(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<First> {
  const startedAt = performance.now()
  const own = { ...env, PORT: '0', HOSTNAME: '127.0.0.1' }
  const child = spawn(program, args, { cwd, env: own, stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
  try {
    for await (const line of createInterface(child.stdout)) {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
      if (url === undefined) continue
      const response = await fetch(`${url}/secret?provider=${env['PROVIDER']}`)
      const { value } = (await response.json()) as First // as app/secret/route.js answers
      return { value, ms: performance.now() - startedAt }
    }
    throw new Error('the server ended before it listened')
  } finally {
    const ended = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill()
    await ended
  }
}

/** What is wrong with an answer; nothing if it is the secret, or the refusal that the bundle must give. */
export function faultOf({ refusal }: Bundle, provider: Provider, { value }: First): string | undefined {
  if (refusal !== undefined && provider === 'aws') return value.includes(refusal) ? undefined : `does not say '${refusal}', but: ${value}`
  return value === `of ${provider}` ? undefined : `read '${value}', not 'of ${provider}'`
}
