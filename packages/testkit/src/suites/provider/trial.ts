import assert from 'node:assert/strict'
import { SecretsError, type CallContext, type SecretProvider, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import type { OptionalMember, ProviderManifest } from '@finchat/secrets-core/provider'
import { leaksOf } from '../../leaks/leaks.ts'
import type { Breakage, FailureMode, ProviderHarness } from './harness.ts'

/** Part of the values that the suite writes: no error may contain it. */
export const canary = 'c4n4ry-vXq7-must-not-leak'

/** What a group of rules needs to register its tests. */
export interface Suite {
  readonly manifest: ProviderManifest
  readonly supports: (...members: readonly OptionalMember[]) => boolean
  readonly canHappen: (mode: FailureMode) => boolean
  readonly cannotHappen: Partial<Record<FailureMode, string>>
  /** Registers one test, which gets its own harness. */
  readonly test: (rule: string, prove: (trial: Trial) => Promise<void>) => void
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
}

/** Tests by title. */
export type Rules = Readonly<Record<string, (trial: Trial) => Promise<void>>>

export function register({ test }: Suite, rules: Rules): void {
  for (const [rule, prove] of Object.entries(rules)) test(rule, prove)
}

export function trialOf(harness: ProviderHarness): Trial {
  const { provider, seed, path = (n: number) => `suite/secret-${n}` } = harness
  const context = { signal: new AbortController().signal }
  return { harness, provider, context, path, seed, value: (n) => `${canary}-${n}`, get: (at) => provider.get(at, context) }
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

export async function reads({ get }: Trial, path: string, value: string | Uint8Array | undefined): Promise<void> {
  assertValue(await get(path), value)
}

/** Exact to the byte. The message never contains the value. */
export function assertValue(secret: StoredSecret | undefined, value: string | Uint8Array | undefined): void {
  assert.notEqual(secret, null, 'a missing secret is `undefined`, not null')
  const found = valueOf(secret)
  assert.equal(kindOf(found), kindOf(value), 'the answer has the kind that was written: text, bytes, or undefined')
  if (found === undefined || value === undefined) return
  assert.ok(
    Buffer.from(found).equals(Buffer.from(value)) && (typeof value !== 'string' || found === value),
    'the value is exactly what was written',
  )
}

function kindOf(value: string | Uint8Array | undefined): string {
  return value instanceof Uint8Array ? 'bytes' : typeof value
}

/** Asserts a rejection with a proper `SecretsError` of one of the codes, and returns it. */
export async function rejects(call: Promise<unknown>, ...codes: readonly SecretsErrorCode[]): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([call])
  assert.equal(settled.status, 'rejected', `the call resolves; it must reject with ${codes.join(' or ') || 'a SecretsError'}`)
  const error = settled.status === 'rejected' ? assertProper(settled.reason) : undefined
  assert.ok(error)
  assert.ok(codes.length === 0 || codes.includes(error.code), `the code is ${error.code}; it must be ${codes.join(' or ')}`)
  return error
}

/** The rules for every error. */
function assertProper(reason: unknown): SecretsError {
  assert.deepEqual(leaksOf(reason, canary), [], 'the error reveals the value')
  assert.ok(SecretsError.isInstance(reason), 'the error is not a SecretsError')
  assert.equal(reason.cause, undefined, 'the error has a `cause`, which may hold anything')
  assert.ok(!/\p{Cc}/u.test(reason.message), "the error's message has a control character and can forge a log line")
  assert.ok(reason.message.length > 0 && reason.message.length <= 1500, "the error's message is empty or longer than 1,500 characters")
  return reason
}

/** Asserts that the input is refused without a call to the store, even while that is unreachable. */
export async function refusesBefore(trial: Trial, call: () => Promise<unknown>): Promise<void> {
  const { harness, path } = trial
  const before = harness.requests?.()
  await rejects(call(), 'INVALID_ARGUMENT')
  assert.equal(harness.requests?.(), before, 'bad input reached the store')
  if (harness.breakStore.unreachable !== undefined)
    await whileBroken(trial, 'unreachable', path(1), () => rejects(call(), 'INVALID_ARGUMENT'))
}

/** Runs with the store broken, and repairs it afterwards. */
export async function whileBroken(trial: Trial, breakage: Breakage, path: string, run: () => Promise<unknown>): Promise<void> {
  const breakStore = trial.harness.breakStore[breakage]
  assert.ok(breakStore, `the harness cannot make the store ${breakage}; give \`breakStore.${breakage}\`, or the reason in \`cannotHappen\``)
  const repair = await breakStore(path)
  try {
    await run()
  } finally {
    await repair()
  }
}

export async function withdraw(trial: Trial, path: string): Promise<void> {
  if (trial.harness.withdraw !== undefined) return trial.harness.withdraw(path)
  await member(trial, 'delete')(path, { purge: false }, trial.context)
}

/** Settles like the call, or fails after `ms` of real time. */
export async function within<T>(ms: number, call: Promise<T>, failure: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: failure })), ms)
  })
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}
