import { SecretsError, type SecretProvider } from '@finchat/secrets-core'
import {
  type FaultPlan,
  faultyProvider,
  type FaultyProvider,
  memoryProvider,
  type MemoryProvider,
  type MemoryProviderOptions,
} from '@finchat/secrets-testkit'
import fc from 'fast-check'

/** A memory provider whose faults a test changes while it runs. */
export interface Breakable {
  readonly provider: FaultyProvider<MemoryProvider>
  plan: FaultPlan
}

export function breakable(options: MemoryProviderOptions = {}): Breakable {
  const store: Breakable = {
    provider: faultyProvider(memoryProvider(options), (call) => store.plan(call)),
    plan: () => undefined,
  }
  return store
}

/** A provider that can be read and nothing else. */
export function readOnly(name: string, get: SecretProvider['get']): SecretProvider {
  return { specificationVersion: 'v1', name, get }
}

/** What the call rejects with. Throws where it resolves, or rejects with anything else than a `SecretsError`. */
export async function failureOf(call: Promise<unknown>): Promise<SecretsError> {
  const [result] = await Promise.allSettled([call])
  if (result.status === 'fulfilled') throw new Error('the call resolved, though it should have failed')
  if (SecretsError.isInstance(result.reason)) return result.reason
  throw new Error(`the call rejected with ${String(result.reason)}, which is no SecretsError`)
}

/** The code that the call rejects with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await failureOf(call)).code
}

/** Reads an iterable to its end. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = []
  for await (const item of items) read.push(item)
  return read
}

/** Any UTF-16 there is, half of it not well-formed; `fc.string` takes seconds to know all of Unicode. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })))
  .map((codes) => String.fromCharCode(...codes))
