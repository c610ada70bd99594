import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext, SecretProvider, SecretsError, SecretsErrorCode, StoredSecret } from '@finchat/secrets-core'
import { hasCode, type OptionalMember, type ProviderManifest } from '@finchat/secrets-core/provider'
import { CallLog } from './calls/call-log.ts'
import { keepSecret, learnCredentials } from './calls/credentials.ts'
import { assertProper, canary } from './calls/error-rules.ts'
import type { Breakage, FailureMode, ProviderHarness } from './harness.ts'
import { memberOf, settling, shown, watchedCalls, type CallWatch, type StoreState } from './calls/watched-calls.ts'

export { canary } from './calls/error-rules.ts'

/** What a group of rules needs to register its tests. */
export interface Suite {
  readonly manifest: ProviderManifest
  readonly supports: (...members: readonly OptionalMember[]) => boolean
  readonly canHappen: (mode: FailureMode) => boolean
  readonly cannotHappen: Partial<Record<FailureMode, string>>
  /** Registers one test, which gets its own harness. */
  readonly test: (rule: string, prove: (trial: Trial) => Promise<void>) => void
  /** Registers one test for each rule. A few share a harness: each has own paths, 1 to 4, and repairs what it breaks. */
  readonly testTogether: (rules: Rules) => void
}

/** The provider, store and helpers of one test. */
export interface Trial {
  readonly harness: ProviderHarness
  readonly provider: SecretProvider
  /** A context whose signal is never aborted. */
  readonly context: CallContext
  readonly path: (n: number) => string
  /** A different value for each n. */
  readonly value: (n: number) => string
  readonly seed: ProviderHarness['seed']
  readonly get: (path: string) => Promise<StoredSecret | undefined>
  readonly store: StoreState
  readonly log: CallLog
}

/** Tests by title. */
export type Rules = Readonly<Record<string, (trial: Trial) => Promise<void>>>

export function register({ test }: Suite, rules: Rules): void {
  for (const [rule, prove] of Object.entries(rules)) test(rule, prove)
}

export function trialOf(harness: ProviderHarness, watch: CallWatch = { hung: new Set() }): Trial {
  const { path = (n: number) => `suite/secret-${n}` } = harness
  const log = new CallLog()
  const seed: Trial['seed'] = async (at, value) =>
    void (await log.watch(
      'seed',
      [at, { value }],
      settling('the harness', () => harness.seed(at, value), watch),
    ))
  for (const credential of harness.credentials ?? []) keepSecret(credential)
  learnCredentials()
  const context = { signal: new AbortController().signal }
  const store = { isHung: false }
  const provider = watchedCalls(harness.provider, watch, store, (...call) => log.watch(...call))
  return { harness, provider, context, path, seed, value: (n) => `${canary}-${n}`, get: (at) => provider.get(at, context), store, log }
}

/** A method that the manifest declares. */
export function member<K extends OptionalMember>({ provider }: Trial, key: K): NonNullable<SecretProvider[K]> {
  const found = provider[key]
  assert.ok(found, `the manifest declares \`${key}\`, which the provider does not have`)
  return found
}

/** The value as core returns it: of a map, its only field. */
export function valueOf(secret: StoredSecret | undefined): string | Uint8Array | undefined {
  if (secret?.shape !== 'map') return secret?.value
  assert.equal(typeof secret.value, 'string', "the value of a secret of shape 'map' is JSON text")
  const fields: unknown[] = Object.values(JSON.parse(String(secret.value)))
  assert.equal(fields.length, 1, 'one value was written, so there is one field')
  return String(fields[0])
}

/** A copy, in a larger buffer if the bytes are in one: a provider must not change those of a table. */
export function copyOf(value: string | Uint8Array): string | Uint8Array {
  if (typeof value === 'string') return value
  return new Uint8Array(value.buffer.slice(0), value.byteOffset, value.byteLength)
}

export async function reads({ get }: Trial, path: string, value: string | Uint8Array | undefined): Promise<void> {
  assertValue(await get(path), value)
}

/** Exact to the byte. The message never contains the value. */
export function assertValue(secret: StoredSecret | undefined, value: string | Uint8Array | undefined, name = 'get'): void {
  assert.notEqual(secret, null, `${name} resolved with null; a missing secret is undefined`)
  const found = valueOf(secret)
  const [kind, expected] = [kindOf(found), kindOf(value)]
  assert.ok(kind === expected, `${name} resolved with ${kind}; it must resolve with ${expected}, as was written`)
  if (found === undefined || value === undefined) return
  const isEqual = Buffer.from(found).equals(Buffer.from(value)) && (typeof value !== 'string' || found === value)
  assert.ok(isEqual, `${name} resolved with another value than was written`)
}

function kindOf(value: string | Uint8Array | undefined): string {
  if (value instanceof Uint8Array) return 'bytes'
  return typeof value === 'string' ? 'text' : value === undefined ? 'undefined' : `a ${typeof value}`
}

/** Asserts a rejection with a proper `SecretsError` of one of the codes, and returns it. */
export async function rejects(call: Promise<unknown>, ...codes: readonly SecretsErrorCode[]): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  return assertRejected(memberOf(call), settled, ...codes)
}

/** Asserts that a settled call was rejected with a proper `SecretsError` of one of the codes. */
export function assertRejected(
  name: string,
  settled: PromiseSettledResult<unknown> | undefined,
  ...codes: readonly SecretsErrorCode[]
): SecretsError {
  const must = `it must reject with ${codes.join(' or ') || 'a SecretsError'}`
  if (settled?.status !== 'rejected') assert.fail(`${name} resolved with ${shown(settled?.value)}; ${must}`)
  const error = assertProper(name, settled.reason)
  assert.ok(codes.length === 0 || codes.includes(error.code), `${name} rejected with ${error.code}; ${must}`)
  return error
}

/** Asserts that the input is refused without a call to the store, even while that is unreachable. */
export async function refusesBefore(trial: Trial, ...calls: readonly (() => Promise<unknown>)[]): Promise<void> {
  const { harness, path } = trial
  const refusesAll = async (): Promise<void> => {
    for (const call of calls) await rejects(call(), 'INVALID_ARGUMENT')
  }
  const before = harness.requests?.()
  await refusesAll()
  assert.equal(harness.requests?.(), before, 'bad input reached the store')
  if (harness.breakStore.unreachable !== undefined) await whileBroken(trial, 'unreachable', path(1), refusesAll)
}

const optional: ReadonlySet<Breakage> = new Set(['failing', 'lost', 'garbled'])

/** Runs with the store broken, and repairs it afterwards. */
export async function whileBroken(trial: Trial, breakage: Breakage, path: string, run: () => Promise<unknown>): Promise<void> {
  const breakStore = trial.harness.breakStore[breakage]
  if (breakStore === undefined && optional.has(breakage)) return
  assert.ok(breakStore, `the harness cannot make the store ${breakage}; give \`breakStore.${breakage}\`, or the reason in \`cannotHappen\``)
  const repair = await breakStore(path)
  trial.log.note(`the store is ${breakage}`)
  trial.store.isHung = breakage === 'hung'
  try {
    await run()
  } finally {
    trial.store.isHung = false
    await repair()
    trial.log.note('the store is repaired')
  }
}

export async function withdraw(trial: Trial, path: string): Promise<void> {
  if (trial.harness.withdraw !== undefined) return trial.log.watch('withdraw', [path], trial.harness.withdraw(path))
  await member(trial, 'delete')(path, { purge: false }, trial.context)
}

/** Whether a delete can be undone. If not, it rejects at another path with UNSUPPORTED, and changes nothing. */
export async function canUndo(trial: Trial): Promise<boolean> {
  const path = trial.path(9)
  await trial.seed(path, trial.value(9))
  const [settled] = await Promise.allSettled([member(trial, 'delete')(path, { purge: false }, trial.context)])
  if (settled.status === 'fulfilled' || !hasCode(settled.reason, 'UNSUPPORTED')) return true
  await reads(trial, path, trial.value(9))
  return false
}

/** Waits by short timers: a busy process may run a long one before a short one that is due. */
export async function waits(ms: number): Promise<void> {
  for (let waited = 0; waited < ms; waited += 25) await sleep(25)
}

/** Runs for each, some at once. */
export async function inBatches<T>(items: readonly T[], run: (item: T, index: number) => Promise<unknown>): Promise<void> {
  const size = 8
  for (let n = 0; n < items.length; n += size) await Promise.all(items.slice(n, n + size).map((item, index) => run(item, n + index)))
}

/** Settles like the call, or fails after `ms` of real time. */
export async function within<T>(ms: number, call: Promise<T>, failure: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: failure })), ms)
  })
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}
