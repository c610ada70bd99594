import { spawn, spawnSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { generateKey } from '@finchat/secrets-provider-local'
import { describe, expect, it } from 'vitest'
import { programArgs, runChild, withoutCache } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'
import { makeProgram } from './testing/run-program.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const canary = 'canary-4711'

describe('the program in a process of its own', () => {
  it('reads from a local store what it wrote, and prints nothing else', async () => {
    const { folder: cwd, key } = makeProgram()
    const env = { APP_KEY: key }
    expect(await runChild(['set', 'TOKEN'], { cwd, env, input: canary })).toMatchObject({ code: 0, stdout: '' })
    expect(await runChild(['get', 'TOKEN'], { cwd, env })).toEqual({ code: 0, stdout: canary, stderr: '' })
  })

  it('works from variables alone', async () => {
    const cwd = makeProject({})
    const env = { FINCHAT_SECRETS_PROVIDER: 'env', TOKEN: canary }
    expect(await runChild(['get', 'TOKEN'], { cwd, env })).toEqual({ code: 0, stdout: canary, stderr: '' })
  })

  it('loads no package that the configuration does not name', async () => {
    const { folder: cwd, key } = makeProgram()
    const report = `data:text/javascript,${encodeURIComponent(reporter)}`
    await runChild(['set', 'TOKEN'], { cwd, env: { APP_KEY: key }, input: canary })
    const { stdout, stderr } = await runChild(['get', 'TOKEN'], { cwd, env: { APP_KEY: key }, node: ['--import', report] })
    const packages = [...new Set(stderr.match(/(?<=loaded: .*\/(?:node_modules|packages)\/)(@[^/]+\/[^/\s]+|[^/\s]+)/gm))]
    expect(stdout).toBe(canary)
    expect(packages).toEqual(expect.arrayContaining(['cli', 'core', 'provider-local']))
    expect(packages.filter((name) => !/^(\.pnpm|cli|core|provider-local|@stricli\/core)$/.test(name))).toEqual([])
  })

  it('ends quietly when its reader has enough', async () => {
    const { folder: cwd, key } = makeProgram()
    const env = { APP_KEY: key, PATH: '', ...withoutCache }
    for (const name of ['A', 'B']) await runChild(['set', name], { cwd, env, input: 'x'.repeat(60_000) })
    const child = spawn(process.execPath, [...programArgs, 'get', 'A'], { cwd, env })
    child.stdout.destroy()
    const errors: string[] = []
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, errors }).toEqual({ code: 0, errors: [] })
  })

  it('goes on without a reader, so that its exit code tells of the work', async () => {
    const { folder: cwd, key } = makeProgram()
    const env = { APP_KEY: key, PATH: '', ...withoutCache }
    const endedWithoutReaders = async (args: readonly string[], input: string): Promise<unknown> => {
      const child = spawn(process.execPath, [...programArgs, ...args], { cwd, env })
      child.stdout.destroy()
      child.stderr.destroy()
      child.stdin.end(input)
      return new Promise((resolve) => child.on('close', resolve))
    }
    expect(await endedWithoutReaders(['set', 'TOKEN'], `${canary}\n`)).toBe(0)
    expect((await runChild(['get', 'TOKEN'], { cwd, env })).stdout).toBe(canary)
    expect(await endedWithoutReaders(['verify', 'TOKEN'], 'another')).toBe(1)
    expect(await endedWithoutReaders(['get', 'NOPE'], '')).toBe(66)
  })

  it.each([['keygen'], ['keygen', '--json'], ['audit', 'init', 'trail']])('%s fails if its key reaches nobody', async (...args) => {
    const cwd = makeProject({})
    const child = spawn(process.execPath, [...programArgs, ...args], { cwd, env: { PATH: '', ...withoutCache } })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(70)
    expect(stderr).toContain('the key could not be written, and is lost')
  })

  it('shows neither stack nor message when it crashes', async () => {
    const crash = `data:text/javascript,setTimeout(() => { throw new Error('${canary}') })`
    const { code, stderr } = await runChild(['get', 'TOKEN'], { cwd: makeProject({}), node: ['--import', crash] })
    expect(code).toBe(70)
    expect(stderr).toContain(
      'error: the command failed\nwhy:   an unexpected error (Error)\nfix:   run it again; if it stays, report it with the command and this text\n',
    )
    expect(stderr).not.toMatch(/canary|^ *at /m)
  })

  it.each(['get TOKEN', 'check', 'run -- true', 'init --yes', 'doctor', 'scan', 'export --format json'])(
    'says of a folder that was removed meanwhile that it is not there: %s',
    (command) => {
      const cwd = makeProject({})
      const script = 'rmdir "$PWD"; exec "$@"'
      const args = ['-c', script, 'sh', process.execPath, ...programArgs, ...command.split(' ')]
      const { status, stderr } = spawnSync('/bin/sh', args, { cwd, env: { PATH: '/usr/bin:/bin', ...withoutCache } })
      expect([status, stderr.toString()]).toEqual([64, expect.stringContaining('why:   the current folder was removed\n')])
    },
  )

  it('prints warnings in a line each', async () => {
    const cwd = makeProject({})
    const { stderr } = await runChild(['get', 'TOKEN'], { cwd, env: { TOKEN: canary, FINCHAT_SECRET_PROVIDER: 'env' } })
    expect(stderr).toMatch(/^warning: "FINCHAT_SECRET_PROVIDER" is no setting: .+\n$/)
  })

  it('tells by an error and its exit code that the output cannot be written', async () => {
    const cwd = makeProject({})
    const full = openSync('/dev/full', 'w')
    const env = { TOKEN: canary, ...withoutCache }
    const { status, stderr } = spawnSync(process.execPath, [...programArgs, 'get', 'TOKEN'], { cwd, env, stdio: ['ignore', full, 'pipe'] })
    closeSync(full)
    expect(status).toBe(70)
    expect(stderr.toString()).toMatch(/^error: the output is not complete\nwhy: {3}.+\nfix: {3}.+\n$/)
    expect(stderr.toString()).not.toContain(canary)
  })

  it('leaves the value in no argument, variable, error or file', async () => {
    const { folder: cwd, key } = makeProgram()
    const [home, temporary] = [makeProject({}), makeProject({})]
    const env = { APP_KEY: key, HOME: home, TMPDIR: temporary, XDG_CACHE_HOME: '' }
    const seen = await Promise.all([
      runChild(['set', 'TOKEN', '--version', '1'], { cwd, env, input: canary }),
      runChild(['set', 'a/../b'], { cwd, env, input: canary }),
      runChild(['verify', 'NOPE'], { cwd, env, input: canary }),
    ])
    const written = [cwd, home, temporary].flatMap(filesIn)
    expect(seen.map(({ code }) => code)).toEqual([0, 64, 66])
    expect(seen.flatMap(({ stdout, stderr }) => [stdout, stderr]).join('')).not.toContain(canary)
    const own = written.filter((path) => !path.startsWith(join(home, '.cache/finchat-secrets/')))
    expect(own.map((path) => basename(path)).toSorted()).toEqual(['.secrets.db', 'finchat-secrets.config.json'])
    expect(written.length).toBeGreaterThan(own.length) // also what Node.js keeps of the program
    expect(written.filter((path) => readFileSync(path).includes(canary))).toEqual([])
  })

  it('is found in /proc without the value while it waits for it', async () => {
    const { folder: cwd, key } = makeProgram()
    const child = spawn(process.execPath, [...programArgs, 'set', 'TOKEN'], { cwd, env: { APP_KEY: key, PATH: '', ...withoutCache } })
    child.stdin.write(canary)
    await expect.poll(() => readFileSync(`/proc/${child.pid}/io`, 'utf8').match(/rchar: (\d+)/)?.[1]?.length ?? 0).toBeGreaterThan(5)
    const shown = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')).join('')
    child.stdin.end()
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
    expect(shown).toContain('TOKEN')
    expect(shown).not.toContain(canary)
  })
})

function filesIn(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

/** Prints what was loaded, by each module's address. */
const reporter = `
  import { registerHooks } from 'node:module'
  import { writeSync } from 'node:fs'
  registerHooks({ load: (url, context, next) => { if (url.startsWith('file:')) writeSync(2, 'loaded: ' + url + '\\n'); return next(url, context) } })
`

describe('without the package of a provider', () => {
  it('says the command that installs it, by the lockfile', async () => {
    const program = copyWith(['@finchat/secrets-core', '@stricli/core'])
    const cwd = makeProject({
      'pnpm-lock.yaml': '',
      'package.json': '{}',
      'finchat-secrets.config.json': '{"provider":"vault","fallbacks":["age","sops"],"audit":{"line":true}}',
    })
    const { code, stderr } = await runChild(['get', 'TOKEN'], { cwd, program })
    expect(code).toBe(70)
    expect(stderr).toBe(
      [
        'error: TOKEN could not be read',
        'why:   the configuration names vault, age, sops, audit, but their packages are not installed (CONFIGURATION)',
        'fix:   run: pnpm add @finchat/secrets-provider-vault @finchat/secrets-provider-file @finchat/secrets-audit',
        '',
      ].join('\n'),
    )
  })

  it('takes it from the project of the configuration, wherever the program is', async () => {
    const program = copyWith(['@finchat/secrets-core', '@stricli/core'])
    const cwd = makeProject({
      'package.json': '{}',
      'finchat-secrets.config.json': '{"provider":"local","local":{"key":{"variable":"APP_KEY"}}}',
    })
    link('@finchat/secrets-provider-local', cwd)
    const env = { APP_KEY: generateKey() }
    expect(await runChild(['set', 'TOKEN'], { cwd, env, input: canary, program })).toMatchObject({ code: 0 })
    expect((await runChild(['get', 'TOKEN'], { cwd, env, program })).stdout).toBe(canary)
  })
})

it('takes a package in the form in which it is published', async () => {
  const source = pathToFileURL(join(ownFolder, '../provider-local/src/index.ts')).href
  const published = 'node_modules/@finchat/secrets-provider-local'
  const cwd = makeProject({
    'finchat-secrets.config.json': '{"provider":"local","local":{"key":{"variable":"APP_KEY"},"path":":memory:"}}',
    [`${published}/package.json`]: '{"type":"module","exports":{"require":"./index.cjs","default":"./index.js"}}',
    [`${published}/index.cjs`]: `module.exports = require('./index.js')`,
    [`${published}/index.js`]: `export * from '${source}'\nprocess.emitWarning('of the project')`,
  })
  const outcome = await runChild(['set', 'TOKEN'], { cwd, env: { APP_KEY: generateKey() }, input: canary })
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: "warning: of the project\nTOKEN is written as version 1 at 'local'\n" })
})

const ownFolder = fileURLToPath(new URL('..', import.meta.url))

function link(name: string, folder: string): void {
  const path = join(folder, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(join(ownFolder, 'node_modules', name), path)
}

/** A copy of the program with these packages and no others. */
function copyWith(packages: readonly string[]): string {
  const folder = temporaryFolder()
  cpSync(join(ownFolder, 'src'), join(folder, 'src'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), readFileSync(join(ownFolder, 'package.json')))
  for (const name of packages) link(name, folder)
  return join(folder, 'src/main.ts')
}
