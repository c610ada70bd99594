// Says everything that a process can say of a manager's objects: `node sinks-process.ts HIDDEN FOLDER [leaky]`. The values are the hidden
// bytes, bit by bit the other way round: this process never sees them but through its providers. Prints, posts to a worker, writes
// diagnostic reports into the folder, and ends with an unhandled rejection.
import { Console } from 'node:console'
import { once } from 'node:events'
import { format, inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { createSecretsManager, envProvider, SecretsError, type SecretsErrorCode, type SecretsManager } from '@finchat/secrets-core'
import { faults, faultyProvider, memoryAuditTrail, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { all } from './manager-trial.ts'

const say = new Console(process.stdout, process.stderr)
const [hidden = '', folder = '', leaky] = process.argv.slice(2)
const canary = Buffer.from(Buffer.from(hidden, 'hex').map((byte) => ~byte & 0xff)).toString()
const secrets = {
  token: canary,
  json: JSON.stringify({ key: canary }),
  map: { value: JSON.stringify({ key: canary }), shape: 'map' as const },
  key: Buffer.from(canary),
}

const codes: readonly SecretsErrorCode[] = [
  ...(['NOT_FOUND', 'DELETED', 'PERMISSION_DENIED', 'CREDENTIALS_MISSING', 'UNAUTHENTICATED', 'INVALID_ARGUMENT', 'RATE_LIMITED'] as const),
  ...(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'ABORTED', 'VERSION_CONFLICT', 'INTEGRITY', 'UNSUPPORTED', 'CONFIGURATION'] as const),
  ...(['AUDIT_FAILED', 'INTERNAL'] as const),
]

/** An error as no provider should make it, with the value wherever an error can hold one. */
function laden(code: SecretsErrorCode | undefined): Error {
  const error = code === undefined ? new TypeError(canary, { cause: canary }) : new SecretsError(code, 'refused')
  return Object.assign(error, { cause: new Error(canary), request: { body: canary }, [Symbol('hidden')]: canary })
}

/** What every call gives, a value or an error; the texts that its caller asked for are left out. */
async function outcomes(manager: SecretsManager): Promise<readonly unknown[]> {
  const calls: readonly (() => Promise<unknown>)[] = [
    () => manager.getSecret('token').then(() => 'read'),
    () => manager.getSecret('json', { field: 'missing' }),
    () => manager.getSecret('token', { version: 1 }).then(() => 'read'),
    () => manager.getSecret('key'),
    () => manager.getSecretValue('token'),
    () => manager.getSecretValue('map', { field: 'key' }),
    () => manager.getSecrets(['token', 'missing', 'key']),
    () => manager.getSecretValues([{ name: 'token' }, { name: 'json', field: 'missing' }]),
    async () => (await manager.getSecretValue('token')).json(),
    () => manager.verifySecret('token', canary, { acceptPreviousForSeconds: 60 }),
    () => manager.verifySecret('token', `${canary}\ud800`),
    () => manager.describeSecret('token'),
    () => all(manager.listSecrets()),
    () => manager.storeSecret('token', `${canary} stored`, { version: 9, tags: { team: 'pay' } }),
    () => manager.storeSecret('token', `${canary}\ud800`),
    () => manager.rotateSecret('json', canary, { field: 'key', version: 1 }),
    () => manager.tagSecret('token', { team: 'ops' }),
    () => manager.deleteSecret('token'),
    () => manager.restoreSecret('token'),
    () => manager.checkHealth(),
    async () => manager.cacheStats(),
  ]
  const results: unknown[] = []
  for (const call of calls) results.push(...(await Promise.allSettled([call()])))
  return [...results, manager]
}

/** Every object that a user can get hold of, while its store does well and while it fails in every way. */
async function objects(): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for (const fault of ['none', undefined, ...codes] as const) {
    const memory = memoryProvider({ secrets, sharedAs: 'store' })
    const store = fault === 'none' ? memory : faultyProvider(memory, () => async () => Promise.reject(laden(fault)))
    const env = envProvider({ env: { token: canary, json: secrets.json }, names: { other: 'json#key' } })
    const audit = memoryAuditTrail()
    const shared = memorySharedCache()
    const manager = createSecretsManager({ providers: [store, env], audit, cache: { shared }, deadlineMs: 1_000 })
    found.push(...(await outcomes(manager)), store, env, audit.events(), manager.cacheStats())
    found.push(...(await Promise.allSettled([manager.close(), manager.getSecret('token')])))
  }
  const hung = createSecretsManager({ providers: [faultyProvider(memoryProvider({ secrets }), () => faults.hang())], deadlineMs: 5 })
  return [...found, ...(await outcomes(hung))]
}

async function post(things: readonly unknown[]): Promise<void> {
  const source = `const { parentPort } = require('node:worker_threads'); parentPort.on('message', (thing) => console.log(thing)); parentPort.on('messageerror', console.log)`
  const worker = new Worker(source, { eval: true })
  for (const thing of things) {
    try {
      worker.postMessage(thing, [])
      say.log(structuredClone(thing))
    } catch (error) {
      say.log(error)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  await Promise.all([once(worker, 'exit'), worker.terminate()])
}

function print(thing: unknown): void {
  say.log(thing)
  say.error('%s %d %j %o %O', thing, thing, thing, thing, thing)
  say.dir(thing, { showHidden: true, depth: Infinity })
  say.table([thing])
  say.log(inspect(thing, { showHidden: true, depth: Infinity, getters: true, showProxy: true, customInspect: false }))
  say.log(format('%s', thing), Object.prototype.toString.call(thing))
}

async function main(): Promise<void> {
  const found = await objects()
  for (const thing of found) print(thing)
  await post(found)
  const errors = found.flatMap((thing) => (isRejection(thing) ? [thing.reason] : []))
  process.report.directory = folder
  for (const [index, error] of errors.entries()) if (index % 10 === 0) process.report.writeReport(`error-${index}.json`, error)
  if (leaky !== undefined) say.log({ deep: { down: [canary] } })
  say.log(`${errors.length} errors`)
  const last = errors.at(-1)
  void Promise.reject(last)
}

function isRejection(thing: unknown): thing is PromiseRejectedResult & { readonly reason: Error } {
  return typeof thing === 'object' && thing !== null && 'reason' in thing && thing.reason instanceof Error
}

void main()
