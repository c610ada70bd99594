import { resolve } from 'node:path'
import type { RotationTarget } from '@finchat/secrets-rotation'
import type * as Postgres from '@finchat/secrets-rotation/postgres'
import type * as Redis from '@finchat/secrets-rotation/redis'
import type * as SigningKeys from '@finchat/secrets-rotation/signing-keys'
import { configurationError } from '@finchat/secrets-core/provider'
import type { OwnTarget, PostgresTargetConfig, RedisTargetConfig, TargetConfig } from '../config/config.ts'
import { loadPackage } from '../config/provider-packages.ts'
import { readSource } from '../config/variables.ts'
import { readRegular } from '../files/read-file.ts'
import { withoutKind } from './generators.ts'
import type { Project, RotationKit } from './project.ts'

/** A target, made before anything is written. `place` is its section in the configuration. */
export async function targetOf(
  kit: RotationKit,
  config: TargetConfig | OwnTarget = { kind: 'none' },
  place: string,
  project: Project,
): Promise<RotationTarget> {
  if (!('kind' in config)) return config as unknown as RotationTarget // the package checks it
  if (config.kind === 'postgres') return postgresTarget(config, place, project)
  if (config.kind === 'redis') return redisTarget(config, place, project)
  if (config.kind === 'none') return kit.functionTarget({ apply: async () => undefined, test: async () => 'accepted' })
  const { signingKeys } = await loadPackage<typeof SigningKeys>('@finchat/secrets-rotation/signing-keys', 'signingKeys', project.folder)
  return signingKeys(withoutKind(config))
}

const connectMs = 5_000
/** The bundle of an operating system has a quarter of it. */
const mostAuthorityBytes = 1024 * 1024

interface PostgresDriver {
  readonly Client: new (options: object) => Postgres.PostgresLogin
}

async function postgresTarget(config: PostgresTargetConfig, place: string, project: Project): Promise<RotationTarget> {
  const { host, port, database, tls = true, administrator, users, role, owner } = config
  const { postgresRole } = await loadPackage<typeof Postgres>('@finchat/secrets-rotation/postgres', 'postgresRole', project.folder)
  const { Client } = await loadPackage<PostgresDriver>('pg', 'Client', project.folder)
  const password = await passwordOf(config, place, project)
  const server = { host, port, database, ssl: tls && tlsOptions(config, project), connectionTimeoutMillis: connectMs }
  return postgresRole({
    connect: () => new Client({ ...server, user: administrator, password }),
    login: (user, word) => new Client({ ...server, user, password: word }),
    users: users as [string, string] | undefined, // the package checks it
    role,
    owner,
  })
}

interface RedisDriver {
  readonly createClient: (options: object) => Redis.RedisClient
}

async function redisTarget(config: RedisTargetConfig, place: string, project: Project): Promise<RotationTarget> {
  const { urls, administrator, user } = config
  assertUrls(urls, place)
  const { redisAclUser } = await loadPackage<typeof Redis>('@finchat/secrets-rotation/redis', 'redisAclUser', project.folder)
  const { createClient } = await loadPackage<RedisDriver>('@redis/client', 'createClient', project.folder)
  const password = await passwordOf(config, place, project)
  const socket = { reconnectStrategy: false, connectTimeout: connectMs, ...tlsOptions(config, project) }
  // The client writes the address into the socket's options, so that each gets its own.
  const login = (url: string, username: string, word: string) => createClient({ url, socket: { ...socket }, username, password: word })
  const nodes = urls.map((url) => ({
    connect: () => login(url, administrator, password),
    login: (username: string, word: string) => login(url, username, word),
  }))
  return redisAclUser({ nodes, user })
}

/** Not quoted: an address may hold a password, which is the mistake. */
function assertUrls(urls: readonly string[], place: string): void {
  const parsed = urls.map((url) => URL.parse(url))
  if (parsed.every((url) => url !== null && ['redis:', 'rediss:'].includes(url.protocol) && url.username === '' && url.password === ''))
    return
  throw configurationError(
    `${place}.urls holds an address that is not used`,
    'write redis://HOST:PORT or rediss://HOST:PORT, without a password',
  )
}

function passwordOf({ password }: PostgresTargetConfig | RedisTargetConfig, place: string, { folder, env }: Project): Promise<string> {
  return readSource(`${place}.password`, password, folder, env)
}

function tlsOptions({ caFile }: { readonly caFile?: string | undefined }, { folder }: Project): { readonly ca?: string } {
  if (caFile === undefined) return {}
  const content = readRegular(resolve(folder, caFile), mostAuthorityBytes)
  if ('bytes' in content) return { ca: content.bytes.toString() }
  throw configurationError(
    `the file of caFile ${content.problem}`,
    'name the certificate of the authority, relative to the configuration file',
  )
}
