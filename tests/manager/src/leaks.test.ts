import assert from 'node:assert'
import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, inspect, promisify } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import {
  createSecretsManager,
  envProvider,
  loadSecrets,
  SecretsError,
  secretsManagerFromEnv,
  type SecretProvider,
  type SecretsErrorCode,
  type SecretsManager,
  type SecretValue,
  type StandardSchemaV1,
  type StoredSecret,
} from '@finchat/secrets-core'
import {
  type Fault,
  faults,
  faultyProvider,
  leaksOf,
  matchedTexts,
  memoryAuditTrail,
  memoryProvider,
  memorySharedCache,
} from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { all } from './testing/manager-trial.ts'

const canary = 'canary-5e1f0c77d2'
const secrets = {
  token: canary,
  json: `{"key":"${canary}","other":1}`,
  map: { value: `{"key":"${canary}"}`, shape: 'map' as const },
  key: Buffer.from(canary),
}

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a secret value', () => {
  const renderings: Record<string, (value: SecretValue) => unknown> = {
    'a template': (value) => `secret: ${value as unknown as string}`, // what somebody will write
    'a sum': (value) => 'secret: ' + (value as unknown as string), // likewise
    String: (value) => String(value),
    'JSON.stringify, indented and with a replacer': (value) => [
      JSON.stringify({ value }, null, 2),
      JSON.stringify([value], (_key, member: unknown) => member),
    ],
    'console.log of a string, a number, JSON and objects': (value) =>
      format('%s %d %i %f %j %o %O %c', value, value, value, value, value, value, value, value),
    'inspect in all its modes': (value) => [
      inspect(value, { showHidden: true, depth: Infinity, getters: true, showProxy: true }),
      inspect({ value }, { customInspect: false, showHidden: true, getters: true }),
      inspect(new Map([[value, [value]]]), { compact: false, colors: true }),
      inspect(new Proxy(value, {}), { showProxy: true }),
    ],
    structuredClone: (value) => structuredClone({ value }),
    'v8.serialize': (value) => [serialize(value), deserialize(serialize(value))],
    'spread and assign': (value) => [
      { ...value },
      Object.assign({}, value),
      Object.entries(value),
      Object.getOwnPropertyDescriptors(value),
    ],
    'a message port': (value) => {
      const { port1, port2 } = new MessageChannel()
      port1.postMessage({ value })
      const received = receiveMessageOnPort(port2)
      port1.close()
      return received
    },
    'the difference of an assertion': (value) => messageOf(() => assert.deepStrictEqual({ value }, { value: canary.length })),
    'the difference of an expectation': (value) => messageOf(() => expect({ value }).toEqual({ value: canary.length })),
    'an error that holds it': (value) => Object.assign(new Error(`bad: ${value as unknown as string}`, { cause: value }), { value }),
    'a list that is joined': (value) => [value, value].join(),
  }

  function messageOf(run: () => void): string {
    try {
      run()
    } catch (error) {
      return inspect(error, { depth: Infinity })
    }
    throw new Error('it should have failed')
  }

  it.each(Object.entries(renderings))('does not show in %s', async (_, render) => {
    const manager = createSecretsManager({ providers: [memoryProvider({ secrets })] })
    for (const name of Object.keys(secrets)) {
      const value = await manager.getSecretValue(name)
      expect(leaksOf(render(value), canary)).toEqual([])
      expect(Buffer.from(value.bytes()).toString()).toContain(canary)
    }
    expect(leaksOf(render(await manager.getSecretValue('json', { field: 'key' })), canary)).toEqual([])
  })

  it('does not show in another thread after it is sent there', async () => {
    vi.useRealTimers()
    const manager = createSecretsManager({ providers: [memoryProvider({ secrets })] })
    const inspects = `
      const { parentPort } = require('node:worker_threads')
      const { inspect } = require('node:util')
      parentPort.once('message', (message) => parentPort.postMessage(inspect(message, { showHidden: true, depth: 9 })))`
    const worker = new Worker(inspects, { eval: true })
    const message = { value: await manager.getSecretValue('token') }
    worker.postMessage(message, [])
    expect(await once(worker, 'message')).toEqual(['{ value: {} }'])
    await worker.terminate()
  })

  it('prints as redacted', async () => {
    const value = await createSecretsManager({ providers: [memoryProvider({ secrets })] }).getSecretValue('token')
    expect([String(value), JSON.stringify({ value }), inspect(value)]).toEqual([
      '[redacted]',
      '{"value":"[redacted]"}',
      'SecretValue [redacted]',
    ])
  })
})

/** Everything that the project says to others while `run` runs. */
async function overheard(run: () => Promise<unknown>): Promise<unknown[]> {
  const heard: unknown[] = []
  const phases = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']
  const channels = [
    ...['get', 'write', 'refresh'].flatMap((kind) => phases.map((phase) => `tracing:finchat.secrets.${kind}:${phase}`)),
    'finchat.secrets.fallback',
  ]
  // Members are inspected when they arrive, and at the end.
  const listener = (message: unknown, channel: string | symbol): void =>
    void heard.push(message, inspect(message, { showHidden: true, depth: Infinity }), channel)
  vi.spyOn(process, 'emitWarning').mockImplementation((...warning) => void heard.push(warning))
  for (const name of channels) subscribe(name, listener)
  try {
    heard.push(await run())
  } finally {
    for (const name of channels) unsubscribe(name, listener)
  }
  return heard
}

type Operation = (manager: SecretsManager) => Promise<unknown>

/** Whether it hands the value out is not looked at, but for what is no reader of values. */
const operations: Record<string, Operation> = {
  getSecret: (manager) => silent(manager.getSecret('token')),
  'getSecret of bytes': (manager) => silent(manager.getSecret('key')),
  'getSecret of a version': (manager) => silent(manager.getSecret('token', { version: 1 })),
  'getSecret of the one before': (manager) => silent(manager.getSecret('token', { version: 'previous' })),
  'getSecret of the staged one': (manager) => silent(manager.getSecret('token', { version: 'pending' })),
  'getSecret of a field': (manager) => silent(manager.getSecret('json', { field: 'key' })),
  'getSecret of a field by pointer': (manager) => silent(manager.getSecret('json', { field: '/key' })),
  'getSecret of the only field': (manager) => silent(manager.getSecret('map')),
  'getSecret of a field that is not there': (manager) => manager.getSecret('json', { field: 'missing' }),
  'getSecret of a field of what has none': (manager) => manager.getSecret('token', { field: 'key' }),
  'getSecret, fresh and cleaned up': (manager) => silent(manager.getSecret('token', { fresh: true, autoCleanup: true })),
  getSecretValue: (manager) => manager.getSecretValue('json'),
  'reveal() and bytes()': async (manager) => {
    for (const name of ['token', 'map']) {
      const value = await manager.getSecretValue(name)
      silenced([value.reveal(), value.bytes()])
    }
  },
  'json()': async (manager) => silenced((await manager.getSecretValue('json')).json()),
  'json() of what is no JSON': async (manager) => (await manager.getSecretValue('token')).json(),
  getSecrets: (manager) => silent(manager.getSecrets(['token', 'json', 'map'])),
  'getSecrets with a missing one': (manager) => manager.getSecrets(['token', 'missing']),
  getSecretValues: (manager) => manager.getSecretValues([{ name: 'token' }, { name: 'json', field: 'missing' }]),
  loadSecrets: (manager) => loadSecrets(manager, { token: { schema: quoting }, json: { json: true, schema: throwing }, key: {} }),
  verifySecret: (manager) => manager.verifySecret('token', canary, { acceptPreviousForSeconds: 60 }),
  'verifySecret of what is wrong': (manager) => manager.verifySecret('missing', `${canary}\ud800`),
  storeSecret: (manager) => manager.storeSecret('token', `${canary} stored`, { version: 3, tags: { team: 'pay' } }),
  'storeSecret of what cannot be stored': (manager) => manager.storeSecret('token', `${canary}\ud800`),
  'rotateSecret with a number that was used': (manager) => manager.rotateSecret('token', `${canary} rotated`, { version: 1 }),
  'rotateSecret of a field': (manager) => manager.rotateSecret('json', `${canary} rotated`, { field: 'key' }),
  'rotateSecret of a field of what has none': (manager) => manager.rotateSecret('token', `${canary} rotated`, { field: 'key' }),
  'rotateSecret of bytes': (manager) => manager.rotateSecret('key', Buffer.from(canary)),
  deleteSecret: (manager) => manager.deleteSecret('token'),
  restoreSecret: (manager) => manager.restoreSecret('token'),
  tagSecret: (manager) => manager.tagSecret('token', { team: 'pay' }),
  describeSecret: (manager) => manager.describeSecret('token'),
  listSecrets: (manager) => all(manager.listSecrets()),
  checkHealth: (manager) => manager.checkHealth(),
  cacheStats: async (manager) => manager.cacheStats(),
  close: (manager) => manager.close(),
}

async function silent(reading: Promise<unknown>): Promise<void> {
  silenced(await reading)
}

/** Takes a value that the caller may have. */
function silenced(_value: unknown): void {}

const standard = (validate: StandardSchemaV1['~standard']['validate']): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate },
})
const quoting = standard((value) => ({ issues: [{ message: `not a number: ${String(value)}` }] }))
const throwing = standard((value) => {
  throw new TypeError(`not a number: ${JSON.stringify(value)}`)
})

/** An error of a library's making, which holds the value wherever an error can. */
function foreign(): Error {
  const error = new TypeError(`401 ${canary}`, { cause: { config: { headers: { token: canary } } } })
  return Object.assign(error, { code: canary, response: Buffer.from(canary), [Symbol('hidden')]: canary, toJSON: () => canary })
}

/** A SecretsError as no provider should make it. */
function laden(code: SecretsErrorCode): SecretsError {
  return Object.assign(new SecretsError(code, 'refused'), { cause: foreign(), request: canary, value: canary })
}

const whole = { value: canary, version: 99, revision: 'r', note: canary }
const failures: Record<string, Fault | undefined> = {
  nothing: undefined,
  'an error of its own': faults.throwForeign(foreign()),
  'text instead of an error': faults.throwForeign(canary),
  'an object with a throwing accessor': faults.throwForeign(
    Object.defineProperty({}, 'message', {
      get: () => {
        throw foreign()
      },
    }),
  ),
  'a laden SecretsError': async () => Promise.reject(laden('PERMISSION_DENIED')),
  'a laden SecretsError of an outage': async () => Promise.reject(laden('UNAVAILABLE')),
  'a laden SecretsError of an unknown code': async () => Promise.reject(laden('NEW' as SecretsErrorCode)), // what a later version could send
  'a secret for every question': faults.answer(whole),
  'a secret of an impossible version': faults.answer({ ...whole, version: -1 }),
  'text for every question': faults.answer(canary),
  'a list for every question': faults.answer([
    canary,
    { status: 'rejected', reason: foreign() },
    { status: 'fulfilled', value: { ...whole, value: 5 } },
  ]),
  'no answer': faults.hang(),
  'a lost answer': faults.loseAnswer(),
  'a denial': faults.reject('PERMISSION_DENIED'),
}

describe.each(Object.entries(failures))('while the store gives %s', (_, fault) => {
  it.each(Object.entries(operations))('%s never shows the value', async (_name, operation) => {
    const audit = memoryAuditTrail()
    const provider = faultyProvider(memoryProvider({ secrets, sharedAs: 'store' }), ({ method }) =>
      method === 'close' ? undefined : fault,
    )
    const manager = createSecretsManager({
      providers: [provider, envProvider({ env: {} })],
      cache: { shared: memorySharedCache() },
      audit,
      deadlineMs: 50,
    })
    const heard = await overheard(async () => {
      const settled = Promise.allSettled([operation(manager)])
      await vi.advanceTimersByTimeAsync(10_000)
      return settled
    })
    expect(leaksOf([heard, audit.events()], canary)).toEqual([])
  })
})

describe('a regular expression', () => {
  const texts = { TOKEN: canary, JSON: secrets.json }
  const stores: Record<string, () => SecretProvider> = {
    'that answers': () => memoryProvider({ secrets }),
    'of variables': () => envProvider({ env: texts, upperSnakeCase: true }),
    'of .env text': () =>
      envProvider({ env: {}, dotenv: `\ufeffFIRST=1\nTOKEN=${canary}\nJSON='${secrets.json}'\n`, upperSnakeCase: true }),
    'that fails with what it should not': () => faultyProvider(memoryProvider({ secrets }), () => faults.throwForeign(foreign())),
    'that answers as none should': () => faultyProvider(memoryProvider({ secrets }), () => faults.answer(whole)),
  }

  describe.each(Object.entries(stores))('and a store %s', (_, store) => {
    it.each(Object.entries(operations))('%s never applies one to the value, so none remembers it', async (_name, operation) => {
      const options = { audit: memoryAuditTrail(), cache: { shared: memorySharedCache() } }
      const manager = createSecretsManager({ providers: [store()], deadlineMs: 50, ...options })
      const matched = await matchedTexts(async () => {
        const settled = Promise.allSettled([operation(manager)])
        await vi.advanceTimersByTimeAsync(10_000)
        await settled
      })
      expect(leaksOf(matched, canary)).toEqual([])
    })
  })

  it('is not applied to secrets among the environment variables of a manager', async () => {
    const env = { FINCHAT_SECRETS_PROVIDER: 'env', FINCHAT_SECRETS_CACHE_TTL: '60', ...texts, FINCHAT_ENCRYPTION_KEY: canary }
    const matched = await matchedTexts(async () => {
      const manager = secretsManagerFromEnv({}, { env })
      await manager.getSecret('JSON', { field: 'key' })
      await manager.close()
    })
    expect(leaksOf(matched, canary)).toEqual([])
  })

  it('is not applied to the content of a secret file', async () => {
    vi.useRealTimers()
    const directory = mkdtempSync(join(tmpdir(), 'secrets-matched-'))
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(directory, name), text)
    const env = { NAMED_FILE: join(directory, 'TOKEN') }
    const manager = createSecretsManager({ providers: [envProvider({ env, directory, fileVariables: true })] })
    const matched = await matchedTexts(() => Promise.all([manager.getSecret('JSON', { field: 'key' }), manager.getSecret('NAMED')]))
    rmSync(directory, { recursive: true })
    expect(leaksOf(matched, canary)).toEqual([])
  })
})

describe('a background refresh', () => {
  it.each(Object.entries(failures))('that meets %s never shows the value', async (_, fault) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    let broken = false
    const provider = faultyProvider(memoryProvider({ secrets }), () => (broken ? fault : undefined))
    const manager = createSecretsManager({ providers: [provider], deadlineMs: 50, cache: { ttlSeconds: 10 } })
    const heard = await overheard(async () => {
      await manager.getSecret('token')
      broken = true
      await vi.advanceTimersByTimeAsync(8_000)
      await silent(manager.getSecret('token'))
      await vi.advanceTimersByTimeAsync(10_000)
      const settled = Promise.allSettled([manager.getSecretValue('token')])
      await vi.advanceTimersByTimeAsync(50)
      return settled
    })
    expect(manager.cacheStats().refreshes).toBe(1)
    expect(leaksOf(heard, canary)).toEqual([])
  })
})

describe('an unhandled rejection', () => {
  it('never comes from an aborted call or from background work', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const provider = faultyProvider(memoryProvider({ secrets, sharedAs: 'store' }), () => faults.delay(20))
    const failing = faultyProvider(provider, ({ count }) => (count > 1 ? faults.throwForeign(foreign()) : undefined))
    const manager = createSecretsManager({ providers: [failing], cache: { shared: memorySharedCache({ plan: () => 'throw' }) } })
    for (const operation of Object.values(operations)) {
      const controller = new AbortController()
      const calls = Promise.allSettled([operation(manager), manager.getSecret('token', { signal: controller.signal, fresh: true })])
      controller.abort()
      await vi.advanceTimersByTimeAsync(100)
      await calls
    }
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
})

/** Runs in a process of its own, which never sees the canary but for what its provider makes of it, and writes its heap to a file. */
const idle = `
import { writeHeapSnapshot } from 'node:v8'
import { createSecretsManager } from '@finchat/secrets-core'
import { memorySharedCache } from '@finchat/secrets-testkit'

const [, file, hidden, retains] = process.argv
const made = () => Buffer.from(Buffer.from(hidden, 'hex').map((byte) => byte ^ 0x55)).toString()
const stored = (path) => ({ value: path === 'json' ? JSON.stringify({ key: made() }) : path === 'key' ? Buffer.from(made()) : made(), version: 1, currentSince: Date.now() })
const provider = { specificationVersion: 'v1', name: 'store', get: async (path) => stored(path), getVersion: async (path) => stored(path), put: async () => ({ version: 2 }) }
const manager = createSecretsManager({ providers: [provider] })
async function use() {
  const held = [await manager.getSecretValue('token'), await manager.getSecretValue('key')]
  const lengths = [(await manager.getSecret('json')).length, held[0].reveal().length]
  await manager.verifySecret('token', made(), { acceptPreviousForSeconds: 60 })
  for (let reads = 0; reads < 100; reads += 1) lengths.push((await manager.getSecret('token')).length, await manager.verifySecret('token', made()))
  await manager.getSecret('other', { autoCleanup: true })
  await manager.getSecrets(['token', 'more'])
  await manager.storeSecret('more', made())
  // Last: a regular expression that had seen the whole secret would keep it until the next one.
  held.push(await manager.getSecretValue('json', { field: 'key' }))
  return { held, lengths }
}
/** A former value, which the process still accepts. */
async function rotate() {
  let current = made
  const get = async () => ({ value: current() })
  const plain = { specificationVersion: 'v1', name: 'plain', graceSharedAs: 'fleet', get }
  const graced = createSecretsManager({ providers: [plain], cache: { shared: memorySharedCache() } })
  const grace = { acceptPreviousForSeconds: 600, fresh: true }
  await graced.verifySecret('old', made(), grace)
  current = () => 'its successor'
  if (!(await graced.verifySecret('old', made(), grace))) throw new Error('the former value was not accepted')
  return graced
}
globalThis.held = await use()
globalThis.graced = await rotate()
if (retains === 'true') globalThis.retained = made()
for (let turn = 0; turn < 3; turn += 1) {
  globalThis.gc()
  await new Promise((resolve) => setTimeout(resolve, 5))
}
writeHeapSnapshot(file)
if (manager.cacheStats().entries === 0) throw new Error('nothing was held')
`

describe('a heap snapshot of an idle manager with values', () => {
  async function heap(retains: boolean): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-heap-'))
    try {
      const file = join(folder, 'heap')
      const hidden = Buffer.from(Buffer.from(canary).map((byte) => byte ^ 0x55)).toString('hex')
      const args = [
        '--conditions=@finchat/source',
        '--expose-gc',
        '--input-type=module',
        '--eval',
        idle,
        '--',
        file,
        hidden,
        String(retains),
      ]
      await promisify(execFile)(process.execPath, args, { cwd: join(import.meta.dirname, '..') })
      return readFileSync(file, 'latin1')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it('does not show them, though it would show a retained string', async () => {
    vi.useRealTimers()
    const [clean, retaining] = await Promise.all([heap(false), heap(true)])
    expect(retaining.includes(canary)).toBe(true)
    expect(clean.includes(canary)).toBe(false)
    expect(clean).toContain('SecretValue')
  }, 60_000)
})

describe('a value from a provider', () => {
  it('is overwritten in the given bytes, so that no second copy stays', async () => {
    const given = Buffer.from(canary)
    const plain: SecretProvider = { specificationVersion: 'v1', name: 'plain', get: async (): Promise<StoredSecret> => ({ value: given }) }
    const value = await createSecretsManager({ providers: [plain] }).getSecretValue('token')
    expect([given.every((byte) => byte === 0), Buffer.from(value.bytes()).toString()]).toEqual([true, canary])
  })
})
