// A process that prints what a manager does for its callers, in a form that can be compared. `before`: the prototype of every object is
// polluted before the package is loaded. `after`: it is polluted then, by one member after the other, and what differs is printed.
import type { SecretProvider, SecretsManager } from '../index.ts'

const refuse = (): Promise<never> => Promise.reject(new Error('polluted'))
const nothing = async (): Promise<void> => {}

const managerOptions = {
  ttlSeconds: 1e-9,
  maxStaleSeconds: 0,
  maxEntries: 1,
  shared: {},
  providers: [],
  cache: { ttlSeconds: 0 },
  deadlineMs: 1,
  audit: { specificationVersion: 'v1', record: refuse },
  fallback: { DELETED: 'next' },
  writeTo: 'env',
  autoCleanup: true,
}
const callOptions = {
  signal: AbortSignal.abort(),
  actor: 'mallory',
  requestId: 'r',
  field: 'key',
  fresh: true,
  version: 1,
  provider: 'env',
  tags: { x: 'y' },
  purge: true,
  acceptPreviousForSeconds: 1e9,
  acceptDegraded: true,
  timeoutMs: 0,
  json: true,
  schema: { '~standard': { validate: () => ({ value: 'polluted' }) } },
}
const providerOptions = {
  prefix: 'p/',
  names: { token: 'json#key' },
  onlyNamed: true,
  env: { A: '2', token: 'polluted' },
  dotenv: 'token=polluted',
  upperSnakeCase: true,
  fileVariables: true,
  directory: '/nowhere',
  name: 'mallory',
}
const providerMembers = {
  locate: () => ({ path: 'json' }),
  getVersion: async () => ({ value: 'polluted' }),
  getMany: async () => [],
  put: async () => ({ version: 9 }),
  describe: async () => ({ version: 7 }),
  delete: nothing,
  restore: nothing,
  tag: nothing,
  checkHealth: refuse,
  close: refuse,
  list: async function* () {},
  staging: {},
  sharedAs: 'mallory',
  subscribe: () => () => {},
}
const answers = {
  value: 'polluted',
  shape: 'map',
  revision: 'r',
  currentSince: 5,
  expiresAt: 5,
  exclusive: true,
  ifCurrent: null,
  versions: [1],
  restorableUntil: 5,
  path: 'json',
  hit: {},
  leaseToken: {},
  until: 1e15,
}
const errorDetails = {
  remedy: 'obey mallory',
  retryAt: 1e15,
  effect: 'done',
  storeStatus: '200',
  storeRequestId: 'x',
  attempts: [],
  secret: 'polluted',
  problem: 'polluted',
  code: 'NOT_FOUND',
  DELETED: 'next',
  UNAVAILABLE: 'stop',
}
/** Of core's own objects, of JavaScript's and of property descriptors. */
const inner = {
  status: 'rejected',
  reason: new Error('polluted'),
  error: new Error('polluted'),
  degraded: true,
  stale: true,
  from: 'shared',
  batch: {},
  mode: 'fresh',
  siblings: [],
  held: {},
  outage: 'UNAVAILABLE',
  location: {},
  0: 'polluted',
  digest: new Uint8Array(32),
  matched: 'current',
  before: null,
  ask: {},
  failure: {},
  closing: AbortSignal.abort(),
  isAdmitted: true,
  enumerable: true,
  writable: true,
}
/** Every name that an option, an answer or an error has. */
const members: Readonly<Record<string, unknown>> = {
  ...managerOptions,
  ...callOptions,
  ...providerOptions,
  ...providerMembers,
  ...answers,
  ...errorDetails,
  ...inner,
}

/** With one of these Node.js 24 itself loads no module any more. */
const fatal = new Set(['signal', 'path', 'value', 'writable'])

type Core = typeof import('../index.ts')

function pollute(name: string): () => void {
  Reflect.defineProperty(Object.prototype, name, plainly(members[name]))
  return () => void Reflect.deleteProperty(Object.prototype, name)
}

/** A descriptor with nothing but its own members. */
function plainly(value: unknown): PropertyDescriptor {
  return Object.assign(Object.create(null), { value, configurable: true, writable: true })
}

/** A store that uses nothing of the objects which it is given but their own members. */
function store(asked: string[]): SecretProvider {
  const versions = new Map([
    ['token', ['v-token']],
    ['json', ['{"key":"v-key","other":2}']],
  ])
  const stored = (path: string): Awaited<ReturnType<SecretProvider['get']>> => {
    const all = versions.get(path)
    return all && { value: all.at(-1) ?? '', version: all.length, revision: `r${all.length}` }
  }
  return {
    specificationVersion: 'v1',
    name: 'store',
    get: async (path, context) => {
      asked.push(`get ${path} ${context.fresh}`)
      return stored(path)
    },
    getVersion: async (path, version) => {
      asked.push(`getVersion ${path} ${version}`)
      return version === 'previous' ? undefined : stored(path)
    },
    put: async (path, secret) => {
      asked.push(`put ${path} ${JSON.stringify([secret.value, secret.shape, secret.version, secret.tags])} ${secret.ifCurrent?.version}`)
      versions.set(path, [...(versions.get(path) ?? []), String(secret.value)])
      return { version: versions.get(path)?.length, revision: 'new' }
    },
    tag: async (path, tags) => void asked.push(`tag ${path} ${Object.keys(tags).join()}`),
    delete: async (path, { purge }) => {
      asked.push(`delete ${path} ${purge}`)
      versions.delete(path)
      return {}
    },
  }
}

/** Stores that cannot be asked, each with an error of its own. */
function failing(core: Core, ...codes: readonly ('UNAVAILABLE' | 'RATE_LIMITED' | 'PERMISSION_DENIED')[]): SecretsManager {
  const providers = codes.map((code, index): SecretProvider => {
    const fail = async (): Promise<never> => Promise.reject(new core.SecretsError(code, 'it did not answer'))
    return { specificationVersion: 'v1', name: `store-${index}`, get: fail, put: fail, delete: fail, describe: fail, checkHealth: fail }
  })
  return core.createSecretsManager({ providers })
}

/** What each call gives, as text that pollution cannot reach. */
function outcomeOf(name: string, call: () => Promise<unknown>): Promise<string> {
  return call().then(
    (result) => `${name}: ${String(result)}`,
    (error: unknown) =>
      `${name}: ${String(error)} ${JSON.stringify(error).replaceAll(/"durationMs":\d+|"retryAt":\d{13}(\.\d+)?(?!\d)/g, '')}`,
  )
}

const calls: Readonly<Record<string, (manager: SecretsManager, core: Core) => Promise<unknown>>> = {
  read: (manager) => manager.getSecret('token'),
  'read again': (manager) => manager.getSecret('token', {}),
  value: async (manager) => {
    const value = await manager.getSecretValue('token', {})
    return [
      value.reveal(),
      value.version,
      value.revision,
      value.currentSince,
      value.expiresAt,
      value.stale,
      value.degraded,
      value.provider,
    ].join()
  },
  whole: async (manager) => (await manager.getSecretValue('json')).reveal(),
  field: (manager) => manager.getSecret('json', { field: 'key' }),
  'no field': (manager) => manager.getSecret('json', { field: 'missing' }),
  version: (manager) => manager.getSecret('token', { version: 1 }),
  variable: (manager) => manager.getSecret('A'),
  missing: (manager) => manager.getSecret('missing'),
  several: async (manager) => Object.entries(await manager.getSecrets(['token', 'A'])).join(),
  values: async (manager) => (await manager.getSecretValues([{ name: 'token' }, { name: 'missing' }])).map(({ status }) => status).join(),
  load: async (manager, { loadSecrets }) => Object.entries(await loadSecrets(manager, { one: { name: 'token' }, token: {} })).join(),
  'load missing': (manager, { loadSecrets }) => loadSecrets(manager, { one: { name: 'missing' } }),
  verify: (manager) => manager.verifySecret('token', 'v-token'),
  'verify with options': (manager) => manager.verifySecret('token', 'wrong', {}),
  write: async (manager) => receipt(await manager.storeSecret('new', 'x')),
  rotate: async (manager) => receipt(await manager.rotateSecret('token', 'v-token2')),
  'rotate a field': async (manager) => receipt(await manager.rotateSecret('json', 'key2', { field: 'key' })),
  'read the field': (manager) => manager.getSecret('json', { field: 'key' }),
  tag: async (manager) => (await manager.tagSecret('new', { a: 'b' })).provider,
  describe: async (manager) => receipt(await manager.describeSecret('token')),
  delete: async (manager) => (await manager.deleteSecret('new')).provider,
  health: async (manager) =>
    Object.values((await manager.checkHealth()).providers)
      .map(({ status }) => status)
      .join(),
  counts: async (manager) => Object.values(manager.cacheStats()).slice(0, 7).join(),
  'from the environment': (_, { secretsManagerFromEnv }) => secretsManagerFromEnv({}, { env: { TOKEN: 'x' } }).getSecret('TOKEN'),
  error: async (_, { SecretsError }) =>
    `${String(new SecretsError('UNAVAILABLE', 'x'))} ${Object.keys(new SecretsError('UNAVAILABLE', 'x')).join()}`,
  'read without an answer': async (_, core) => failing(core, 'UNAVAILABLE').getSecret('token'),
  'read without answers': async (_, core) => failing(core, 'RATE_LIMITED', 'UNAVAILABLE').getSecret('token'),
  'read without the right': async (_, core) => failing(core, 'PERMISSION_DENIED', 'UNAVAILABLE').getSecret('token'),
  'several without answers': async (_, core) => failing(core, 'UNAVAILABLE', 'UNAVAILABLE').getSecrets(['token', 'other']),
  'verify without an answer': async (_, core) => failing(core, 'UNAVAILABLE').verifySecret('token', 'x'),
  'write without an answer': async (_, core) => failing(core, 'UNAVAILABLE').storeSecret('token', 'x'),
  'rotate without an answer': async (_, core) => failing(core, 'UNAVAILABLE', 'UNAVAILABLE').rotateSecret('token', 'x'),
  'delete without an answer': async (_, core) => failing(core, 'UNAVAILABLE').deleteSecret('token'),
  'describe without an answer': async (_, core) => failing(core, 'UNAVAILABLE').describeSecret('token'),
  'wrong option of a read': async (manager) => manager.getSecret('A', { json: true } as never), // on purpose
  'wrong option': async (_, core) => core.createSecretsManager({ providers: [], ttl: 1 } as never), // on purpose
  close: (manager) => manager.close(),
  'read after that': (manager) => manager.getSecret('token'),
}

function receipt({
  provider,
  version,
  revision,
}: {
  provider: string
  version?: number | undefined
  revision?: string | undefined
}): string {
  return [provider, version, revision].join()
}

async function behaviour(core: Core): Promise<readonly string[]> {
  const asked: string[] = []
  const manager = core.createSecretsManager({ providers: [core.envProvider({ env: { A: '1' } }), store(asked)] })
  const lines: string[] = []
  for (const [name, call] of Object.entries(calls)) lines.push(await outcomeOf(name, () => call(manager, core)))
  return [...lines, ...asked]
}

/** The behaviour with each member polluted, where it differs. */
async function differences(core: Core): Promise<readonly string[]> {
  const clean = await behaviour(core)
  const found: string[] = []
  for (const name of Object.keys(members)) {
    const mend = pollute(name)
    const polluted = await behaviour(core)
    mend()
    found.push(...polluted.flatMap((line, index) => (line === clean[index] ? [] : [`${name}: ${line}`])))
  }
  return found
}

async function main(mode: string | undefined): Promise<void> {
  if (mode === 'after') return print(await differences(await import('../index.ts')))
  const polluted = Object.keys(members).filter((name) => mode === 'before' && !fatal.has(name))
  const mends = polluted.map(pollute)
  const lines = await behaviour(await import('../index.ts'))
  for (const mend of mends) mend()
  print(lines)
}

function print(lines: readonly string[]): void {
  process.stdout.write(JSON.stringify(lines))
}

void main(process.argv[2])
