import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { programArgs, withoutCache } from './testing/child.ts'
import { blocksOf } from './testing/guide.ts'
import { makeProject } from './testing/make-project.ts'
import { programIn } from './testing/run-program.ts'

const canary = 'canary-4711'
const guide = blocksOf('docs/deployment.md')

/** The blocks of a language, in their order. */
function shown(language: string): string[] {
  return guide.filter((block) => block.language === language).map(({ text }) => text)
}

function only(language: string): string {
  const [text = '', ...more] = shown(language)
  expect(more).toEqual([])
  return text
}

it('has no block that the tests below do not look at', () => {
  const languages = Map.groupBy(guide, ({ language }) => language)
  expect(Object.fromEntries([...languages].map(([language, { length }]) => [language, length]))).toEqual({
    text: 1, // a fresh clone
    sh: 3, // two ways to a server, and a pod
    json: 3, // scripts, and two configurations, which documented-config.test.ts looks at
    ini: 1,
    dockerfile: 1,
    gitignore: 1,
    yaml: 2, // Compose, and CI
  })
})

const config = { provider: 'local', fallbacks: ['env'], local: { key: { file: '.secrets.key' } }, secrets: { TOKEN: {} } }

/** Shows its process and its secret, and stays until it is told to end. */
const app = `process.on('SIGTERM', () => { console.log('ended by SIGTERM'); process.exit(7) })
console.log('app', process.pid, process.env.TOKEN)
setInterval(() => {}, 1000)`

/** A project that has the command line in `node_modules/.bin`, as npm puts it there. */
function makeShop(files: Readonly<Record<string, string>> = {}): string {
  const program = [process.execPath, ...programArgs].map((word) => `'${word}'`).join(' ')
  const bin = 'node_modules/.bin/finchat-secrets'
  const folder = makeProject({
    'package.json': '{ "name": "shop", "private": true }',
    'finchat-secrets.config.json': JSON.stringify(config),
    'app.js': app,
    [bin]: `#!/bin/sh\nexec ${program} "$@"\n`,
    ...files,
  })
  chmodSync(join(folder, bin), 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Makes a store with one secret in a folder, and returns its key. */
async function fill(folder: string): Promise<string> {
  const { run } = programIn(folder)
  expect((await run(['keygen', '--output', '.secrets.key'])).code).toBe(0)
  expect((await run(['set', 'TOKEN'], canary)).code).toBe(0)
  return readFileSync(join(folder, '.secrets.key'), 'utf8')
}

const ownPath = [dirname(process.execPath), process.env['PATH']].join(delimiter)

/** A script of the guide, in a shell that has the command line on its path. */
function shell(script: string, cwd: string, env: Readonly<Record<string, string>> = {}): string {
  const path = [join(cwd, 'node_modules/.bin'), ownPath].join(delimiter)
  return execFileSync('/bin/sh', ['-ec', `${script}\n`], { cwd, env: { ...withoutCache, ...env, PATH: path }, encoding: 'utf8' })
}

interface Service {
  readonly process: ChildProcess
  readonly output: () => string
}

function start(command: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Service {
  const [file = '', ...args] = command
  const child = spawn(file, args, { cwd, env: { HOME: '/dev/null', PATH: ownPath, ...withoutCache, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { process: child, output: () => Buffer.concat(chunks).toString() }
}

/** Ends a service as systemd and Docker do: nothing of it may stay. */
async function end({ process: service, output }: Service): Promise<void> {
  await expect.poll(output, { interval: 20 }).toMatch(/^app \d+/m)
  const application = Number(/^app (\d+)/m.exec(output())?.[1])
  service.kill('SIGTERM')
  await once(service, 'close') // its output is closed by whoever has it last
  expect(output()).toContain('ended by SIGTERM')
  expect(() => process.kill(application, 0)).toThrow('ESRCH')
}

describe('a fresh clone', () => {
  it('is told where key and store come from, and how variables can answer', async () => {
    const folder = makeShop()
    const { run } = programIn(folder, { TOKEN: canary })
    const { code, stderr } = await run(['check'])
    expect([code, `$ finchat-secrets check\n${stderr.replaceAll(folder, '/srv/shop')}`]).toEqual([77, only('text')])
    expect((await programIn(folder, { TOKEN: canary, FINCHAT_SECRETS_PROVIDER: 'env' }).run(['check'])).code).toBe(0)
  })
})

describe('a local store comes to a server', () => {
  it('as a backup, with its key', async () => {
    const [here, state] = [makeShop(), makeShop()]
    const key = await fill(here)
    const [script = ''] = shown('sh')
    const copied = script.replace(/^scp (\S+) server:\/var\/lib\/shop/m, `cp $1 '${state}'`)
    expect(copied).not.toBe(script)
    shell(copied, here)
    const server = programIn(state, { FINCHAT_ENCRYPTION_KEY: key.trim(), FINCHAT_LOCAL_PATH: join(state, 'secrets.db') })
    expect((await server.run(['get', 'TOKEN'])).stdout).toBe(canary)
  })

  it('encrypted for an identity of the server, and again after a rotation', async () => {
    const [here, server] = [makeShop(), makeShop()]
    const [, script = ''] = shown('sh')
    const [, keys = '', exporting = '', importing = ''] = script.split(/^# .*$/m)
    await fill(here)
    shell(`{${keys}} 2> printed`, server)
    const [, recipient = ''] = /^recipient: (age1\S+)$/m.exec(readFileSync(join(server, 'printed'), 'utf8')) ?? []
    for (const value of [canary, 'canary-4712']) {
      await programIn(here).run(['set', 'TOKEN'], value)
      shell(exporting.replace('finchat-secrets export', 'finchat-secrets export --force'), here, { RECIPIENT: recipient })
      cpSync(join(here, 'shop.json.age'), join(server, 'shop.json.age'))
      shell(importing, server)
      expect((await programIn(server).run(['get', 'TOKEN'])).stdout).toBe(value)
    }
  })
})

describe('the scripts of package.json', () => {
  const [manifest = ''] = shown('json')

  it('leave nothing behind when npm is ended', async () => {
    const folder = makeShop({ 'package.json': manifest })
    await fill(folder)
    const service = start(['npm', 'start', '--no-update-notifier'], folder)
    await end(service)
    expect(service.output()).not.toContain(canary)
  })

  it('check the secrets', async () => {
    const folder = makeShop({ 'package.json': manifest })
    await fill(folder)
    expect(shell('npm run check-secrets --no-update-notifier', folder, { HOME: folder })).toContain('TOKEN\tok')
  })
})

describe('the unit of systemd', () => {
  const settings = [...only('ini').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value] as const)
  const all = (name: string): string[] => settings.flatMap(([each, value]) => (each === name ? [value] : []))

  it('starts the application with its key from a credential, and ends it', async () => {
    const [folder, state, credentials] = [makeShop(), makeProject({}), makeProject({})]
    const key = await fill(folder)
    const [loaded = ''] = all('LoadCredential')
    writeFileSync(join(credentials, loaded.split(':')[0] ?? ''), key, { mode: 0o400 })
    await programIn(folder).run(['backup', '--output', join(state, 'secrets.db')])
    for (const name of ['.secrets.key', '.secrets.db']) rmSync(join(folder, name))
    const machine = (text: string): string =>
      text.replaceAll('%d', credentials).replaceAll('/var/lib/shop', state).replaceAll('/srv/shop', folder)
    const env = Object.fromEntries(all('Environment').map((each) => machine(each).split('=')))
    const service = start(machine(all('ExecStart')[0] ?? '').split(' '), machine(all('WorkingDirectory')[0] ?? ''), env)
    await end(service)
    expect(service.output()).toMatch(/^app \d+ \[redacted TOKEN\]$/m)
  })
})

describe('the container', () => {
  const dockerfile = only('dockerfile')
  const [compose = ''] = shown('yaml')
  interface Compose {
    readonly services: Readonly<
      Record<string, { readonly environment: Readonly<Record<string, string>>; readonly volumes: readonly string[] }>
    >
    readonly secrets: object
  }

  it('starts the application, ends it, and writes nothing outside its volume', async () => {
    const [folder, volume, secrets] = [makeShop(), makeProject({}), makeProject({})]
    const key = await fill(folder)
    const { services, secrets: mounted } = parse(compose) as Compose
    for (const name of Object.keys(mounted)) writeFileSync(join(secrets, name), key)
    await programIn(folder).run(['backup', '--output', join(volume, 'secrets.db')])
    for (const name of ['.secrets.key', '.secrets.db']) rmSync(join(folder, name))
    const { environment = {}, volumes = [] } = services['shop'] ?? {}
    const target = volumes[0]?.split(':')[1] ?? 'none'
    const machine = (text: string): string => text.replaceAll(target, volume).replaceAll('/run/secrets', secrets)
    const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, machine(value)]))
    const [, command = ''] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
    const before = contentsOf(folder)
    const service = start(JSON.parse(command) as string[], folder, env)
    await end(service)
    expect(service.output()).toMatch(/^app \d+ \[redacted TOKEN\]$/m)
    expect(contentsOf(folder)).toEqual(before)
  })

  it('has neither key nor store in its image', async () => {
    const folder = makeShop({ '.gitignore': only('gitignore'), '.env.production': '' })
    await fill(folder)
    await programIn(folder).run(['keygen', '--age', '--output', 'server.age'])
    execFileSync('git', ['init', '--quiet'], { cwd: folder })
    const taken = execFileSync('git', ['ls-files', '--others', '--exclude-standard'], { cwd: folder, encoding: 'utf8' })
    expect(taken.split('\n').filter(Boolean).toSorted()).toEqual(['.gitignore', 'app.js', 'finchat-secrets.config.json', 'package.json'])
    expect(dockerfile).not.toMatch(/^(ENV|ARG)/m)
  })
})

/** Every file with the time of its last change. */
function contentsOf(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return paths.map((path) => `${path} ${statSync(join(folder, path)).mtimeMs}`).toSorted()
}

describe('a pod', () => {
  it('starts the application without a wrapper', async () => {
    const [, , command = ''] = shown('sh')
    const [, , own = '{}'] = shown('json')
    const folder = makeShop({ 'finchat-secrets.config.json': own, 'app.js': 'console.log(process.env.DATABASE_URL)' })
    mkdirSync(join(folder, 'node_modules/@finchat'))
    symlinkSync(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'node_modules/@finchat/secrets-cli'))
    const env = { FINCHAT_SECRETS_PROVIDER: 'env', DATABASE_URL: `db://${canary}`, NODE_OPTIONS: '--conditions=@finchat/source' }
    expect(shell(command, folder, env)).toBe(`db://${canary}\n`)
  })
})

describe('the job of CI', () => {
  interface Job {
    readonly steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[]
  }
  const [, workflow = ''] = shown('yaml')
  const { run = '', env = {} } = (parse(workflow) as Job).steps.find(({ run: command }) => command?.includes('finchat-secrets')) ?? {}
  const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.startsWith('${{') ? `db://${canary}` : value]))
  const secrets = { DATABASE_URL: { type: 'url' }, STRIPE_KEY: {} }

  it.each([
    ['passes with all secrets', {}, 0],
    ['fails without one', { STRIPE_KEY: '' }, 1],
    ['fails with a wrong one', { DATABASE_URL: 'canary' }, 1],
  ])('%s', (_, changed, expected) => {
    const declared = { ...secrets, STRIPE_KEY: { minLength: 8 } }
    const folder = makeShop({ 'finchat-secrets.config.json': JSON.stringify({ ...config, secrets: declared }) })
    const code = codeOf(() => shell(run, folder, { HOME: folder, ...given, ...changed }))
    expect(code).toBe(expected)
  })
})

function codeOf(call: () => string): number {
  try {
    expect(call()).not.toContain('canary')
    return 0
  } catch (error) {
    return (error as { status: number }).status // what execFileSync throws
  }
}
