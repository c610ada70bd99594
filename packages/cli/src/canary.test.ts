import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generateKey } from '@finchat/secrets-core/sealing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { inEachWay, LeakSearch, type Step, steps } from './testing/leak-search.ts'
import { localConfig, makeProgram, programIn } from './testing/run-program.ts'

/** What the commands failed with. */
const { errors } = vi.hoisted(() => ({ errors: [] as unknown[] }))

vi.mock(import('./terminal/failure.ts'), async (original) => {
  const actual = await original()
  return { ...actual, failureOf: (error) => (errors.push(error), actual.failureOf(error)) }
})

vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void errors.push(warning))

/** A value around the canary. Each differs in what follows the canary, so that the redaction of one hides no other. */
const shapes: readonly ((core: string) => string)[] = [
  (core) => core,
  (core) => `--reveal=${core}`,
  (core) => `-${core}`,
  (core) => `{"password":"${core}","port":1}`,
  (core) => `["${core}"`,
  (core) => `line one ${core}\nline two ${core}\r\n\n`,
  (core) => `'"\`$(touch ${core})\\ %41 &amp;<b>`,
  (core) => `\u001b[31m${core}\u0007\u202e\u009b`,
  (core) => `é€😀 ${core} ü`,
  (core) => `postgres://${core}:p@ss/${core}@host:1/db?x=${core}#f`,
  (core) => `../../${core}/../x`,
  (core) => `${core} `.repeat(400),
  (core) => `KEY=${core}\nexport OTHER="${core}"\n`,
  (core) => `-----BEGIN PRIVATE KEY-----\n${core}\n-----END PRIVATE KEY-----\n`,
  (core) => `AGE-SECRET-KEY-1${core.toUpperCase()}`,
  (core) => `<html>${core}</html>\u2028${core}`,
]

/** The values, by the name of their secret. */
function valuesOf(canary: string): Readonly<Record<string, string>> {
  return Object.fromEntries(shapes.map((shape, index) => [`S${index}`, shape(`${canary}x${index}y`)]))
}

/** A store whose errors quote what it has. */
let store: Server
let [status, quoted] = [200, '']
beforeAll(async () => {
  store = createServer((_, response) => void response.writeHead(status).end(`{"errors":["refused: ${quoted}"`))
  await new Promise<void>((resolve) => void store.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void store.close())

const configOf = (names: readonly string[]): object => ({
  ...localConfig,
  local: { ...localConfig.local, keepVersions: 'all' },
  audit: { folder: 'trail', checkpoints: 'checkpoints' },
  rotation: { S0: { every: '1d', generate: { kind: 'token' } } },
  secrets: {
    ...Object.fromEntries(names.map((name) => [name, {}])),
    FIELD: { name: 'DB', field: 'password' },
    NUMBER: { name: 'S0', type: 'integer' },
    LONG: { name: 'S1', minLength: 99_999 },
  },
})

const formats = ['json', 'yaml', 'dotenv', 'k8s', 'age']

function storing(name: string, value: string, index: number): Step[] {
  return [
    { args: ['set', name], input: value },
    { args: ['set', name, '--force'], input: value },
    { args: ['set', name, '--version', '1', '--json'], input: value },
    { args: ['get', name], onTerminal: true },
    { args: ['get', name, '--field', 'nope'] },
    { args: ['verify', name], input: `${value}x` },
    { args: ['rotate', name, '--value-from-stdin'], input: `${value}2` },
    { args: ['import', '--from', '-', '--format', formats[index % formats.length] ?? ''], input: value },
  ]
}

/** A value where none belongs, and the other ways of commands that take one. */
function misplaced(value: string): Step[] {
  const writes = ['set DB --field password', 'set ../x', 'set S0 --tag a', 'verify DB --field password', 'verify S0 --json', 'verify NOPE']
  return [
    ...writes.map((line) => ({ args: line.split(' '), input: value })),
    ...formats.map((format) => ({ args: ['import', '--from', '-', '--format', format], input: value })),
    { args: ['set', 'S0', value] },
    { args: ['get', 'S0', `--${value}`] },
    { args: ['get', 'S0', '--version', value] },
    { args: ['rotate', 'S0', '--bytes', value] },
    { args: ['rotate', 'S0', '--grace', `${value}h`] },
    { args: [value] },
    { args: ['__complete', `=${value}`, 'get'] },
    { args: ['get', 'S0', '--json'], onTerminal: true },
    { args: ['get', 'S0'], isAsked: true },
  ]
}

const listing: readonly Step[] = [
  ...inEachWay('get S0 --version 99', 'get DB --field nope', 'get NOPE', 'list', 'versions S0', 'tag S0 a=b', 'check', 'doctor'),
  ...inEachWay('generate types', 'generate types --check', 'generate types --output -', 'rotate S0 --status', 'rotate --due'),
  ...inEachWay('audit query trail --unverified', 'audit verify trail --key-file audit.key', 'audit report trail --key-file audit.key'),
  ...steps('audit copy trail copied --checkpoints checkpoints', 'audit report trail --unverified --output report.html', 'keygen'),
  ...steps('audit query trail --unverified --csv', 'completion bash', 'rotate S0 --retire', 'export --format age --recipient age1x'),
  { args: ['export', '--only', 'S*'], onTerminal: true },
  { args: ['export', '--only', 'S*', '--format', 'json'], isAsked: true },
  { args: ['export', '--only', 'S0', '--format', 'k8s', '--output', 'exported.yaml'], isAsked: true },
  ...steps('export --only S0 --format dotenv --output exported.yaml', 'export --only S* --format dotenv --output other.env'),
]

/** What a child of `run` prints of its variables. */
const script = `
  const values = Object.entries(process.env).filter(([name]) => /^S\\d|FIELD/.test(name))
  for (const [name, value] of values) {
    process.stdout.write(name + ' ' + value.slice(0, 9)); process.stdout.write(value.slice(9) + '\\n')
    console.error('%s %j %o', value, value, { value }, escape(value), encodeURIComponent(value), Buffer.from(value))
    console.log(JSON.stringify([value, Buffer.from(value)]), Buffer.from(value).toString('latin1'), Buffer.from(value).toString('hex'))
    console.log(Buffer.from(value).toString('base64').match(/.{1,76}/g).join('\\n'))
  }
  console.log(process.env)`
const child = ['--', process.execPath, '-e', script]

function moving(inputs: string): Step[] {
  const chosen = ['--only', 'S*', '--only', 'FIELD']
  return [
    ...inEachWay(`scan ${inputs} --only-values`, `scan ${inputs} --versions --sarif`),
    ...inEachWay('migrate --from env --to local --only S*', 'migrate --from env --to local --only S* --apply --force'),
    ...inEachWay(`migrate --from dotenv:${inputs}/.env --to local --apply --force`, `import --from ${inputs}/values.json --apply`),
    ...inEachWay(`import --from ${inputs}/broken.json`, `import --from ${inputs}/broken.yaml`),
    ...steps(`import --from ${inputs}/broken.age --identity ${inputs}/identity`),
    { args: ['run', ...chosen, ...child] },
    { args: ['run', ...chosen, '--redact', ...child], onTerminal: true },
    { args: ['run', ...chosen, '--sealed', '--no-redact', '--', '/bin/sh', '-c', 'env'] },
    ...steps('run -- true'),
    { args: ['init', '--dry-run', '--yes'], cwd: inputs },
    { args: ['init', '--yes', '--json'], cwd: inputs },
  ]
}

const keeping: readonly Step[] = [
  ...inEachWay('backup --output saved.db --force', 'restore --backup saved.db --yes'),
  ...inEachWay('reencrypt --yes').map((step) => ({ ...step, env: { FINCHAT_ENCRYPTION_OTHER_KEY: generateKey() } })),
  ...inEachWay('delete S0', 'get S0', 'restore S0', 'versions S0'),
]

/** What a service or a person set wrongly, by a value in the wrong place. */
function misconfigured(value: string, inputs: string): Step[] {
  const commands = steps('get S0', 'doctor', 'run -- true')
  const variables = ['APP_KEY', 'FINCHAT_SECRETS_CACHE_TTL', 'FINCHAT_LOCAL_STORE_ID', 'FINCHAT_DECOYS_KEY']
  const url = { FINCHAT_VAULT_URL: `http://x:${encodeURIComponent(value)}@h`, FINCHAT_VAULT_TOKEN: 'x', FINCHAT_SECRETS_PROVIDER: 'vault' }
  return [
    ...[...variables.map((name) => ({ [name]: value })), url].flatMap((env) => commands.map((step) => ({ ...step, env }))),
    ...readdirSync(inputs)
      .filter((name) => name.startsWith('config-'))
      .map((name) => ({ args: ['check', '--config', join(inputs, name)] })),
  ]
}

/** Against a store that quotes in its errors what it was sent, or has. */
function refused(value: string): Step[] {
  const { port } = store.address() as AddressInfo // of TCP
  const vault = { FINCHAT_VAULT_URL: `http://127.0.0.1:${port}`, FINCHAT_VAULT_TOKEN: value.replaceAll(/[^!-~]/g, '') }
  const writes = ['set S0', 'set DB --field password', 'verify S0'].map((line) => ({ args: line.split(' '), input: value }))
  const others = steps(
    'get S0',
    'list',
    'check',
    'scan audit.key --only-values',
    'run -- true',
    'migrate --from env --to vault --only S0 --apply',
  )
  return [...writes, ...others].map((step) => ({ ...step, env: { ...vault, FINCHAT_SECRETS_PROVIDER: 'vault' } }))
}

const damaged: readonly Step[] = inEachWay('get S0', 'list', 'check', 'doctor', 'backup --output other.db', 'versions S0')

/** Files that hold values, as users have them. */
function inputFiles(values: Readonly<Record<string, string>>, value: string): Readonly<Record<string, string>> {
  const lines = Object.entries(values).map(([name, each]) => `${name}='${each.replaceAll("'", '')}'\n`)
  return {
    '.env': lines.join(''),
    'values.json': JSON.stringify({ ...values, NEW: value, OBJECT: { value } }),
    'broken.json': `{"TOKEN": "${value}`,
    'broken.yaml': `TOKEN: "${value}\n  - x: [`,
    'broken.age': value,
    identity: value,
    'config-key.json': JSON.stringify({ local: { key: value } }),
    'config-member.json': JSON.stringify({ vualt: { token: value }, secrets: { TOKEN: { type: value } } }),
    'config-broken.json': `{"local": {"key": "${value}`,
    'config-throws.mts': `throw new Error(${JSON.stringify(value)})`,
    'config-default.mts': `export default ${JSON.stringify(value)}`,
  }
}

function damage(folder: string): void {
  const path = join(folder, '.secrets.db')
  const bytes = readFileSync(path)
  for (let at = 4_096; at < bytes.length; at += 97) bytes[at] = (bytes[at] ?? 0) ^ 0xff
  for (const name of readdirSync(folder)) if (name.startsWith('.secrets.db-')) rmSync(join(folder, name))
  writeFileSync(path, bytes)
}

/** A store of its own, whose key is replaced: the steps of the other one go on with its key. */
async function sealedAgain(canary: string, value: string): Promise<LeakSearch> {
  const { folder, key } = makeProgram()
  const leaks = new LeakSearch(canary, folder, { APP_KEY: key, PATH: '/usr/bin:/bin' }, errors)
  await leaks.follow([
    { args: ['set', 'S0'], input: value },
    { args: ['reencrypt', '--yes'], env: { APP_KEY: generateKey(), FINCHAT_ENCRYPTION_OTHER_KEY: key } },
  ])
  leaks.search(folder, [])
  return leaks
}

it('no command shows or leaves a value, or a part of one, where it is not asked for', async () => {
  const word = fc.stringMatching(/^[a-z][A-Za-z0-9]{15}$/)
  await fc.assert(
    fc.asyncProperty(word, fc.nat({ max: shapes.length - 1 }), async (canary, index) => {
      const values = valuesOf(canary)
      const value = values[`S${index}`] ?? ''
      const { folder, key } = makeProgram(configOf(Object.keys(values)))
      const inputs = `${folder}-inputs`
      mkdirSync(inputs)
      const files = inputFiles(values, value)
      for (const [name, text] of Object.entries(files)) writeFileSync(join(inputs, name), text)
      const leaks = new LeakSearch(canary, folder, { ...values, APP_KEY: key, PATH: '/usr/bin:/bin' }, errors)
      await leaks.follow(steps('audit init trail --key-file audit.key'))
      await leaks.follow(Object.entries(values).flatMap(([name, each], at) => storing(name, each, at)))
      await leaks.follow([...misplaced(value), ...listing, ...moving(inputs), ...keeping, ...misconfigured(value, inputs)])
      quoted = value
      for (status of [200, 403]) await leaks.follow(refused(value))
      damage(folder)
      await leaks.follow(damaged)
      leaks.search(folder, ['exported.yaml', 'other.env'])
      leaks.search(inputs, Object.keys(files))
      expect(leaks.found).toEqual([])
      const { stdout: help } = await programIn(folder).run(['--help'])
      const commands = Array.from(help.matchAll(/^ {2}([a-z]+) {2,}/gm), ([, name]) => name)
      const resealed = await sealedAgain(canary, value)
      expect(resealed.found).toEqual([])
      expect(commands.filter((name = '') => !leaks.done.has(name) && !resealed.done.has(name))).toEqual([])
      expect(commands).toContain('run')
      for (const each of [folder, inputs]) rmSync(each, { recursive: true })
    }),
    { numRuns: 1, endOnFailure: true },
  )
}, 300_000)
