// `pnpm migrated`: moves an Express application from npm, which knows nothing of us, from variables to Vault or
// AWS, and to an encrypted local fallback, by the packed command line alone. In each phase `run` starts the
// application, openly and sealed, and it must answer as it did before. Each command that writes is
// killed, later each time, and run again.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { findServer, startMoto, startOpenBao, startRedis } from '../tests/servers/src/index.ts'
import { freePort } from '../tests/servers/src/free-port.ts'
import { readFiles } from './files.ts'
import { answersOf, appSecrets, appSpec } from './migrated-app.ts'
import { failure, packAll, tarballSpecs } from './pack.ts'
import { packageManagers } from './package-managers.ts'
import { checkInScratch, type Tally } from './tally.ts'

/** A store that the application moves to, and what its provider needs. */
interface Store {
  readonly name: 'vault' | 'aws'
  readonly section: object
  readonly env: Record<string, string>
  readonly stop: () => Promise<void>
}

interface Outcome {
  readonly code: number | null
  readonly output: string
}

const fileOfConfig = 'finchat-secrets.config.json'
const values = Object.values(appSecrets)

/** One application on its way to one store. */
class Journey {
  readonly folder: string
  readonly #program: string
  readonly #redisPort: number
  /** What the shell of the operator has. */
  env: Record<string, string>

  constructor(folder: string, program: string, redisPort: number, env: Record<string, string>) {
    this.folder = folder
    this.#program = program
    this.#redisPort = redisPort
    this.env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...env }
  }

  /** What the application answers, and what is wrong with how it was started. */
  async ask(before: readonly string[] = []): Promise<{ readonly answers: object; readonly faults: readonly string[] }> {
    const command = before.length === 0 ? [] : [this.#program, ...before, '--']
    const start = { folder: this.folder, before: command, env: this.env, port: await freePort(), redisPort: this.#redisPort }
    const isSealed = before.includes('--sealed')
    const { answers, environ, output } = await answersOf(start)
    const shown = values.filter((value) => output.includes(value)).map(() => 'its output shows a value')
    const seen = isSealed && values.some((value) => environ.includes(value)) && !this.#hasVariables() ? ['/proc shows a value'] : []
    return { answers, faults: [...shown, ...seen] }
  }

  #hasVariables(): boolean {
    return Object.keys(appSecrets).some((name) => name in this.env)
  }

  configure(change: (config: Record<string, unknown>) => object): void {
    const path = join(this.folder, fileOfConfig)
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)))
  }

  /** Kills the command, later each time, until it ends by itself. */
  async killed(...args: string[]): Promise<string[]> {
    const faults: string[] = []
    for (let ms = 60; ; ms += 60) {
      const { code, output } = await this.#run(args, ms)
      if (values.some((value) => output.includes(value))) faults.push(`${args.join(' ')} shows a value`)
      if (code !== null) return code === 0 ? faults : [...faults, `${args.join(' ')} ended with ${code}:\n${output}`]
    }
  }

  async command(...args: string[]): Promise<string[]> {
    const { code, output } = await this.#run(args)
    const shown = values.some((value) => output.includes(value)) ? [`${args.join(' ')} shows a value`] : []
    return code === 0 ? shown : [...shown, `${args.join(' ')} ended with ${code}:\n${output}`]
  }

  /** `ms`: when it is killed, if at all. */
  async #run(args: readonly string[], ms?: number): Promise<Outcome> {
    const child = spawn(this.#program, [...args], { cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (output += chunk.toString()))
    const timer = ms === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), ms)
    const code = await new Promise<number | null>((resolve) => child.on('close', (status) => resolve(status)))
    clearTimeout(timer)
    return { code, output }
  }
}

/** The five phases of docs/cli.md. Returns what is wrong in each. */
async function travel(journey: Journey, store: Store, tally: Tally): Promise<void> {
  const expected = (await journey.ask()).answers
  const phase = (what: string, prepare: () => Promise<readonly string[]>): Promise<boolean> =>
    tally.timed(`${store.name}: ${what}`, async () => [...(await prepare()), ...(await askedIn(journey, expected))])

  await phase('1 variables only', async () => {
    const faults = await journey.killed('init', '--provider', 'env', '--yes')
    // One that was killed behind its last write is complete, and refuses to do it again.
    return [...(existsSync(join(journey.folder, fileOfConfig)) ? [] : faults), ...(await journey.command('check'))]
  })
  await phase(`2 ${store.name} first, variables behind it`, async () => {
    journey.configure((config) => ({ ...config, provider: store.name, fallbacks: ['env'], [store.name]: store.section }))
    Object.assign(journey.env, store.env)
    return []
  })
  await phase('3 secrets moved', async () => journey.killed('migrate', '--from', 'env', '--to', store.name, '--apply'))
  await phase('4 variables removed', async () => {
    for (const name of Object.keys(appSecrets)) Reflect.deleteProperty(journey.env, name)
    return journey.command('check')
  })
  await phase('5 an encrypted local fallback', async () => {
    const faults = existsSync(join(journey.folder, 'local.key')) ? [] : await keygen(journey)
    journey.configure((config) => ({ ...config, fallbacks: ['local'], local: { key: { file: 'local.key' } } }))
    return [...faults, ...(await journey.killed('migrate', '--from', store.name, '--to', 'local', '--apply'))]
  })
  await phase('5 the store is gone', async () => {
    await store.stop()
    return []
  })
  await tally.timed(`${store.name}: no value in a file`, async () => valuesIn(journey.folder))
}

/** A killed `keygen` leaves no file, or a whole one, which it then refuses to replace. */
async function keygen(journey: Journey): Promise<string[]> {
  const faults = await journey.killed('keygen', '--output', 'local.key')
  return existsSync(join(journey.folder, 'local.key')) ? [] : faults
}

async function askedIn(journey: Journey, expected: object): Promise<string[]> {
  const faults: string[] = []
  for (const flags of [['run'], ['run', '--sealed']]) {
    const found = await journey.ask(flags).catch((error: unknown) => ({ answers: {}, faults: [String(error)] }))
    faults.push(...found.faults.map((fault) => `${flags.join(' ')}: ${fault}`))
    if (!isDeepStrictEqual(found.answers, expected)) faults.push(`${flags.join(' ')}: it answers ${JSON.stringify(found.answers)}`)
  }
  return faults
}

function valuesIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return paths.filter((path) => values.some((value) => readFileSync(path).includes(value))).map((path) => `${path} holds a value`)
}

async function storeFor(name: Store['name']): Promise<Store> {
  if (name === 'vault') {
    const { url, rootToken, stop } = await startOpenBao()
    return { name, section: { url, token: { variable: 'VAULT_TOKEN' }, prefix: 'app/' }, env: { VAULT_TOKEN: rootToken }, stop }
  }
  const { url, stop } = await startMoto()
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_ENDPOINT_URL: url }
  return { name, section: { region: 'eu-west-1', prefix: 'app/' }, env: credentials, stop }
}

await checkInScratch('migrated-', async (folder, tally) => {
  const missing = (['openbao', 'moto', 'redis'] as const).filter((name) => !findServer(name).found)
  if (missing.length > 0) return tally.notRun('the migration of an application', `needs ${missing.join(', ')}: pnpm servers`)
  const tarballs = tarballSpecs(packAll(readFiles(), folder))
  const [npm] = packageManagers()
  const packages = ['cli', 'core', 'provider-local', 'provider-vault', 'provider-aws'].map((name) => `@finchat/secrets-${name}`)
  const [app = '', version = ''] = appSpec.split('@')
  const dependencies = { ...Object.fromEntries(packages.map((name) => [name, tarballs[name] ?? ''])), [app]: version }
  npm?.prepare(folder, { name: 'migrated', private: true, dependencies }, tarballs)
  const [program = '', ...args] = npm?.install ?? []
  if (!tally.add(failure(program, args, folder, npm?.env))) return
  const redis = await startRedis()
  try {
    for (const name of ['vault', 'aws'] as const) {
      const store = await storeFor(name)
      const own = join(folder, name)
      mkdirSync(own)
      writeFileSync(join(own, 'package.json'), '{ "private": true }')
      writeFileSync(
        join(own, '.env.example'),
        Object.keys(appSecrets)
          .map((each) => `${each}=\n`)
          .join(''),
      )
      await travel(new Journey(own, join(folder, 'node_modules/.bin/finchat-secrets'), redis.port, { ...appSecrets }), store, tally)
    }
  } finally {
    await redis.stop()
  }
})
