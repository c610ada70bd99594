import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runChild } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'
import type { Outcome } from './testing/run-program.ts'

const canary = 'canary-4711'
const register = new URL('register.ts', import.meta.url).href

const config = (secrets: object): string => JSON.stringify({ provider: 'mounted', fallbacks: [], mounted: { folder: 'mounted' }, secrets })

const files = {
  'finchat-secrets.config.json': config({
    TOKEN: { minLength: 8 },
    DB_PASSWORD: { name: 'db', field: 'password' },
    NOPE: { required: false },
  }),
  'mounted/TOKEN': canary,
  'mounted/db': JSON.stringify({ password: 'canary-db' }),
}

/** Runs an application with `register`, as a user does. */
async function start(app: string, source: string, changed: Record<string, string> = {}): Promise<Outcome> {
  const cwd = makeProject({ ...files, [app]: source, ...changed })
  return runChild([], { cwd, program: join(cwd, app), node: ['--import', register], env: { LOG_LEVEL: 'debug' } })
}

const print = 'console.log(process.env.TOKEN, process.env.DB_PASSWORD, process.env.NOPE, process.env.LOG_LEVEL)'

describe('an application with register', () => {
  it.each([
    ['an ES module', 'app.mjs', print],
    ['CommonJS', 'app.cjs', print],
    ['TypeScript', 'app.mts', print],
    ['an import of env', 'app.mjs', `import { env } from 'node:process'; ${print.replaceAll('process.', '')}`],
    ['a require of process', 'app.cjs', `const { env } = require('process'); ${print.replaceAll('process.', '')}`],
    [
      'a worker thread',
      'app.mjs',
      `import { isMainThread, Worker } from 'node:worker_threads'; if (isMainThread) new Worker(new URL(import.meta.url)); else ${print}`,
    ],
    [
      'a fork of its own, which reads the stores anew',
      'app.cjs',
      `if (process.argv[2]) ${print}; else require('child_process').fork(__filename, ['x'])`,
    ],
  ])('has the declared secrets before its first line: %s', async (_, app, source) => {
    expect(await start(app, source)).toEqual({ code: 0, stdout: `${canary} canary-db undefined debug\n`, stderr: '' })
  })

  it.each<[string, (app: string) => Promise<Outcome>]>([
    ['register', async (cwd) => runChild([], { cwd, program: join(cwd, 'app.mjs'), node: ['--import', register] })],
    ['run', async (cwd) => runChild(['run', '--no-redact', '--', process.execPath, 'app.mjs'], { cwd })],
  ])('says once of each which fallback it is of: %s', async (_, starting) => {
    const vault = { url: 'http://127.0.0.1:1', token: { file: 'token' } }
    const chain = { provider: 'vault', fallbacks: ['mounted'], vault, mounted: { folder: 'mounted' }, secrets: { TOKEN: {}, OTHER: {} } }
    const cwd = makeProject({
      'finchat-secrets.config.json': JSON.stringify(chain),
      token: 'hvs.x',
      'mounted/TOKEN': canary,
      'mounted/OTHER': canary,
      'app.mjs': 'console.log(process.env.TOKEN)',
    })
    const { stdout, stderr } = await starting(cwd)
    expect(stdout).toBe(`${canary}\n`)
    const said = stderr.split('\n').filter((line) => line.startsWith('warning: TOKEN') || line.startsWith('warning: OTHER'))
    expect(said).toEqual(
      ['TOKEN', 'OTHER'].map((name) => `warning: ${name}: 'vault' could not be asked (UNAVAILABLE); this value is from 'mounted'`),
    )
    expect(stderr).not.toContain('canary')
  })

  it('hands none of them to a child process', async () => {
    const { stdout } = await start('app.cjs', "console.log(require('child_process').execFileSync('/usr/bin/env').toString())")
    expect(stdout).toContain('LOG_LEVEL=debug')
    expect(stdout).not.toContain('canary')
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['a secret is missing', { 'finchat-secrets.config.json': config({ ABSENT: {} }) }, 66, 'ABSENT: missing'],
    ['a secret is not as declared', { 'mounted/TOKEN': 'canary' }, 1, 'TOKEN: wrong'],
    ['nothing is declared', { 'finchat-secrets.config.json': '{}' }, 64, 'declares no secrets'],
    ['the configuration is wrong', { 'finchat-secrets.config.json': '{"provider":"canaries"}' }, 70, 'provider must be'],
  ])('does not start if %s', async (_, changed, code, why) => {
    const { stderr, ...outcome } = await start('app.mjs', 'console.log("started")', changed)
    expect(outcome).toEqual({ code, stdout: '' })
    expect(stderr).toMatch(/^error: the application was not started\n/)
    expect(stderr).toContain(why)
    expect(stderr).not.toMatch(/canary(?!ies)/)
  })

  it('exports nothing, and is an entry for import alone', () => {
    const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { exports: Record<string, object> }
    expect(Object.keys(exports['./register'] ?? {})).not.toContain('require')
  })
})
