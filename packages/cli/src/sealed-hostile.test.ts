import { randomBytes } from 'node:crypto'
import { globSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { isDecoy } from './decoys/decoy.ts'
import { programArgs, runChild } from './testing/child.ts'
import { attacks } from './testing/hostile-attacks.ts'
import { makeProject } from './testing/make-project.ts'

type Gets = 'nothing' | 'decoy' | 'the value'

const value = 'sk_live_CanaryCanaryCanaryCanary'
const key = randomBytes(32)
const hostile = fileURLToPath(new URL('testing/hostile-process.ts', import.meta.url))
const register = new URL('register.ts', import.meta.url).href

/** Runs a command in a project whose wrapper has the value from a folder of files. */
async function run(
  flags: readonly string[],
  command: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly output: string }> {
  const config = {
    provider: 'mounted',
    fallbacks: [],
    mounted: { folder: 'mounted' },
    decoys: { key: { file: 'key' } },
    secrets: { TOKEN: {} },
  }
  const own = { 'finchat-secrets.config.json': JSON.stringify(config), 'mounted/TOKEN': value, key: key.toString('base64') }
  const cwd = makeProject({ ...own, ...files })
  const folder = mkdtempSync(join(tmpdir(), 'secrets-hostile-'))
  for (const name of ['home', 'tmp']) mkdirSync(join(folder, name))
  const options = '--conditions=@finchat/source'
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    NODE_OPTIONS: options,
    HOSTILE_OPTIONS: `${options} --import=${register}`,
  }
  const { code, stdout, stderr } = await runChild(['run', '--no-redact', ...flags, '--', ...command], { cwd, env })
  return { code, output: stdout + stderr }
}

const sealed = ['--sealed', '--decoys']

function got(seen: string | readonly string[]): Gets {
  const tokens = typeof seen === 'string' ? (seen.match(/sk_live_[0-9A-Za-z]{24}/g) ?? []) : seen
  if (tokens.includes(value)) return 'the value'
  return tokens.some((token) => isDecoy(key, token)) ? 'decoy' : 'nothing'
}

async function outcomesOf(flags: readonly string[]): Promise<Readonly<Record<string, Gets>>> {
  const { output } = await run(flags, [process.execPath, hostile])
  const seen = output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1) // Node.js says that it wrote a report
  return Object.fromEntries(Object.entries(JSON.parse(seen) as Record<string, string[]>).map(([name, tokens]) => [name, got(tokens)]))
}

/** What each attack gets with `run`, and with `run --sealed --decoys`. */
const table: readonly (readonly [attack: string, plain: Gets, sealed: Gets])[] = [
  ['process.env.TOKEN', 'the value', 'the value'],
  ['property descriptor of TOKEN', 'the value', 'the value'],
  ['each of getOwnPropertyNames(process.env)', 'the value', 'the value'],
  ['a hook in place of process.env', 'the value', 'the value'],
  ['inspector: Runtime.evaluate', 'the value', 'the value'],
  ['the data for worker threads', 'nothing', 'the value'],
  ['own memory: /proc/self/mem', 'the value', 'the value'],
  ['heap snapshot, before the application reads the value', 'nothing', 'nothing'],
  ['heap snapshot, while the application holds the value', 'the value', 'the value'],
  ['worker thread: process.env.TOKEN', 'the value', 'the value'],
  ['worker thread: its whole environment', 'the value', 'nothing'],
  ['worker thread of a text: process.env.TOKEN', 'the value', 'decoy'],
  ['worker thread with a copy of the environment', 'the value', 'nothing'],
  ['worker thread that shares the environment', 'the value', 'nothing'],
  ['JSON.stringify(process.env)', 'the value', 'nothing'],
  ['Object.entries(process.env)', 'the value', 'nothing'],
  ['for … in process.env', 'the value', 'nothing'],
  ['{ ...process.env }', 'the value', 'nothing'],
  ['util.inspect(process.env)', 'the value', 'decoy'],
  ['structuredClone(process.env)', 'the value', 'nothing'],
  ['URLSearchParams of process.env', 'the value', 'nothing'],
  ['/proc/self/environ', 'the value', 'decoy'],
  ['/proc/self/task/*/environ', 'the value', 'decoy'],
  ['/proc/<parent>/environ', 'nothing', 'nothing'],
  ['/proc/self/cmdline and of the parent', 'nothing', 'nothing'],
  ['/proc/self/fd/*', 'nothing', 'nothing'],
  ['/proc/<parent>/fd/*', 'nothing', 'nothing'],
  ['inherited descriptors 3 to 255', 'nothing', 'nothing'],
  ['process.report.getReport()', 'the value', 'decoy'],
  ['process.report.writeReport()', 'the value', 'decoy'],
  ['child: env', 'the value', 'nothing'],
  ['child: printenv TOKEN', 'the value', 'nothing'],
  ['child: sh -c echo', 'the value', 'nothing'],
  ['child: env, with a spread of process.env', 'the value', 'nothing'],
  ['child: Node.js reads process.env.TOKEN', 'the value', 'nothing'],
  ['child: Node.js asks again for what is sealed', 'nothing', 'nothing'],
  ['child: fork()', 'the value', 'nothing'],
  ['child: cluster.fork()', 'the value', 'nothing'],
  ['child: /proc/<application>/environ', 'the value', 'decoy'],
  ['child: /proc/<application>/fd/*', 'nothing', 'nothing'],
  ['child: ps eww of the application', 'the value', 'decoy'],
  ['child: environment of every process', 'the value', 'decoy'],
  ['child: files in HOME and TMPDIR', 'nothing', 'nothing'],
]

/** Whether they get something depends on the machine: on what may be traced. */
const byMachine = ['memory of the wrapper: /proc/<parent>/mem']

describe('a hostile program', () => {
  let outcomes: { readonly plain: Readonly<Record<string, Gets>>; readonly sealed: Readonly<Record<string, Gets>> }
  beforeAll(async () => {
    outcomes = { plain: await outcomesOf([]), sealed: await outcomesOf(sealed) }
  })

  it('is each that there is', () => {
    expect([...table.map(([attack]) => attack), ...byMachine].toSorted()).toEqual(Object.keys(attacks).toSorted())
  })

  it.each(table)('by %s gets %s, and of what is sealed %s', (attack, plain, ofSealed) => {
    expect([outcomes.plain[attack], outcomes.sealed[attack]]).toEqual([plain, ofSealed])
  })

  it('that may trace the wrapper finds the value in its memory, as in any process', () => {
    expect(['nothing', 'the value']).toContain(outcomes.sealed[byMachine[0] ?? ''])
  })
})

describe('a command with --sealed', () => {
  it.each<[string, readonly string[], Gets]>([
    ['that lists its environment', ['sh', '-c', 'env'], 'decoy'],
    ['that waits at the pipe and does not ask', ['sh', '-c', 'timeout 0.3 cat <&3'], 'nothing'],
    ['that asks as register does: it is the one that shall have it', ['sh', '-c', 'printf x >&3; cat <&3'], 'the value'],
    ['that is a shell with Node.js', ['sh', '-c', `'${process.execPath}' -p process.env.TOKEN`], 'the value'],
  ])('%s', async (_, command, gets) => {
    expect(got((await run(sealed, command)).output)).toBe(gets)
  })

  it('gives the values to the first program alone', async () => {
    const { output } = await run(sealed, ['sh', '-c', `'${process.execPath}' -p 1; '${process.execPath}' -p process.env.TOKEN`])
    expect(got(output)).toBe('nothing')
    expect(output).toContain('another program of Node.js took the sealed secrets')
  })

  it.each(['exec 3>&-', 'exec 3</dev/null'])(
    'that closes the pipe before it starts Node.js gets an error, and no crash: %s',
    async (close) => {
      const { code, output } = await run(sealed, ['sh', '-c', `${close}; exec '${process.execPath}' -p 1`])
      expect([code, output]).toEqual([64, expect.stringContaining('did not pass the sealed secrets on')])
    },
  )

  it('that never asks is told of, and ends as it would', async () => {
    const { code, output } = await run(sealed, ['sh', '-c', 'exit 3'])
    expect([code, output]).toEqual([3, notTaken])
  })

  const notTaken = 'warning: no program took the sealed secrets: start Node.js itself, as by finchat-secrets run --sealed -- node app.js\n'
  const refused = (why: string): string =>
    `error: the application was not started\nwhy:   ${why}\nfix:   start Node.js itself, also in a script of package.json: finchat-secrets run --sealed -- node app.js\n`

  it.each([
    ['npm', 'npm'],
    ['npm', 'npm-cli.js'],
    ['pnpm', 'pnpm.cjs'],
    ['yarn', 'yarn-4.18.1.cjs'],
  ])('that is a package manager is refused, %s as %s: it would not pass them on', async (name, file) => {
    const script = join(makeProject({ [file]: 'console.log("started")' }), file)
    const { code, output } = await run(sealed, [process.execPath, script])
    expect([code, output]).toEqual([64, refused(`${name} does not pass sealed secrets on to the program that it starts`) + notTaken])
  })

  it.each([
    ['npm', 'npm start', 64],
    ['node --run', 'node --run start', 1],
  ])('of which %s starts another says so, and how the script of a package can have them', async (_, command, exitCode) => {
    const { code, output } = await run(sealed, command.split(' '), { 'package.json': '{"scripts":{"start":"node -p 1"}}' })
    expect(code).toBe(exitCode)
    expect(output).toMatch(
      /^error: the application was not started\nwhy: {3}.*npm.*not pass.*\nfix: {3}.* in a script of package\.json: .+\n/,
    )
    expect(output).not.toMatch(/^1$/m)
  })

  it('has its secrets in a script of a package, which npm starts', async () => {
    const start = [process.execPath, ...programArgs, 'run', '--sealed', '--', 'node', 'app.js'].map((word) => `'${word}'`).join(' ')
    const files = {
      'package.json': JSON.stringify({ scripts: { start } }),
      'app.js': `console.log(process.env.TOKEN.length, Object.keys(process.env).includes('TOKEN'))`,
    }
    const { output } = await run([], ['npm', 'start'], files)
    expect(output).toContain(`${value.length} false\n`)
  })

  it('leaves no value in a crash report', async () => {
    const code = 'globalThis.kept = process.env.TOKEN; throw new Error("crash")'
    const where = mkdtempSync(join(tmpdir(), 'secrets-hostile-'))
    await run(sealed, [process.execPath, '--report-uncaught-exception', `--report-directory=${where}`, '-e', code])
    const reports = globSync('*.json', { cwd: where }).map((path) => readFileSync(join(where, path), 'utf8'))
    expect(reports.map(got)).toEqual(['decoy'])
  })
})
