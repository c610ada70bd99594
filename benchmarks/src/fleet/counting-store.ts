import { SecretsError, type SecretProvider } from '@finchat/secrets-core'
import { type Latency, noJitter } from './latency.ts'
import type { Leases } from './simulated-cache.ts'
import type { VirtualTime } from './virtual-time.ts'

/**
 * Calls by second. `forOne`: each process of the fleet makes such a call, as without a lease, or in
 * an outage without a value. `forAll`: one process makes it with the fill lease, however large the
 * fleet is.
 */
export class Calls {
  readonly forOne: number[] = []
  readonly forAll: number[] = []

  add(kind: 'forOne' | 'forAll', atMs: number): void {
    const second = Math.floor(atMs / 1000)
    const counts = this[kind]
    while (counts.length <= second) counts.push(0)
    counts[second] = (counts[second] ?? 0) + 1
  }
}

/** An unreachable store refuses connections at once, or never answers. */
export type Fault = 'refuses' | 'hangs'

/** The fleet's store, which counts its calls. By default it answers after 20 ms. */
export class CountingStore {
  /** Calls of GetSecretValue, and of BatchGetSecretValue. */
  readonly calls: Calls = new Calls()
  readonly batches: Calls = new Calls()
  /** Requests for each path, by either call. */
  readonly asked: Map<string, number> = new Map()
  fault: Fault | undefined
  readonly #time: VirtualTime
  readonly #latency: Latency

  constructor(time: VirtualTime, latency: Latency = noJitter(20)) {
    this.#time = time
    this.#latency = latency
  }

  /** The provider of one process. */
  provider({ hasLease, asksForAll }: Leases, options: { readonly batches: boolean }): SecretProvider {
    const answer = async (paths: readonly string[], calls: Calls, count: number): Promise<{ value: string; version: number }> => {
      const isForAll = this.fault === undefined ? hasLease : asksForAll
      const kind = paths.every((path) => isForAll(path)) ? 'forAll' : 'forOne'
      for (let n = 0; n < count; n += 1) calls.add(kind, this.#time.now())
      for (const path of paths) this.asked.set(path, (this.asked.get(path) ?? 0) + 1)
      await this.#answered()
      return { value: 'a secret of thirty-two characters', version: 1 }
    }
    const getMany: SecretProvider['getMany'] = async (paths) => {
      const one = answer(paths, this.batches, Math.ceil(paths.length / idsInBatch))
      return Promise.allSettled(paths.map(() => one))
    }
    const get: SecretProvider['get'] = (path) => answer([path], this.calls, 1)
    return { specificationVersion: 'v1', name: 'store', sharedAs: 'store', get, ...(options.batches && { getMany }) }
  }

  /** A call made in an outage fails, even if the store comes back meanwhile. */
  async #answered(): Promise<void> {
    const { fault } = this
    if (fault === 'hangs') return new Promise(() => {})
    await this.#time.sleep(this.#latency())
    if (fault === 'refuses') throw new SecretsError('UNAVAILABLE', 'the store is down')
  }
}

/** BatchGetSecretValue takes at most 20 (AWS Secrets Manager, API reference). */
const idsInBatch = 20
