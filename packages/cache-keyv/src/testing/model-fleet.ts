import assert from 'node:assert/strict'
import {
  createSecretsManager,
  SecretsError,
  type SecretProvider,
  type SecretsManager,
  type SharedCache,
  type StoredSecret,
} from '@finchat/secrets-core'
import { memoryAuditTrail } from '@finchat/secrets-testkit'

/**
 * How the network treats one call to the shared cache. `lost`: the call takes effect, its answer is
 * lost.
 */
export interface Passage {
  readonly beforeMs: number
  readonly afterMs: number
  readonly fault: 'none' | 'refused' | 'lost'
}

export type PutFault = 'none' | 'conflict' | 'lost'

interface Process {
  readonly secrets: SecretsManager
  readonly trail: ReturnType<typeof memoryAuditTrail>
  isReading: boolean
}

/** Two processes write; one only reads. */
export const processes = 3

const name = 'token'
const waited = (ms: number): Promise<void> => (ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms)))

/**
 * Processes over one store and one shared cache. Calls to the cache are reordered and lose their
 * answers; reads of the store may reach a lagging replica. Checks each answer that came from the
 * shared cache.
 */
export class ModelFleet {
  /** How the next calls to the shared cache are treated, in rotation. */
  passages: readonly Passage[] = []
  readonly #processes: readonly Process[]
  readonly #running: Promise<unknown>[] = []
  #current = 1
  #replica = 1
  #acknowledged = 0
  #putFault: PutFault = 'none'
  #doReadsLag = false
  #calls = 0

  constructor(caches: readonly SharedCache[]) {
    this.#processes = caches.map((cache) => {
      const trail = memoryAuditTrail()
      const secrets = createSecretsManager({ providers: [this.#provider()], cache: { shared: this.#far(cache) }, audit: trail })
      return { secrets, trail, isReading: false }
    })
  }

  write(by: number, fault: PutFault): void {
    this.#putFault = fault
    const writing = this.#at(by).secrets.rotateSecret(name, `v${this.#current + 1}`)
    const acknowledge = ({ version = 0 }: { readonly version?: number | undefined }): void => {
      this.#acknowledged = Math.max(this.#acknowledged, version)
    }
    this.#run(writing.then(acknowledge))
  }

  read(by: number): void {
    const process = this.#at(by)
    if (process.isReading) return
    process.isReading = true
    const least = this.#acknowledged
    const check = (): void => {
      const { from, version = 0, stale } = process.trail.events().findLast(({ operation }) => operation === 'get') ?? {}
      const isOld = from === 'shared' && stale !== true && version < least
      assert.ok(!isOld, `version ${version} came from the shared cache after version ${least} was acknowledged`)
    }
    this.#run(process.secrets.getSecret(name).then(check), () => (process.isReading = false))
  }

  lag(doReadsLag: boolean): void {
    if (!doReadsLag) this.#replica = this.#current
    this.#doReadsLag = doReadsLag
  }

  /** Rejects with the first wrong answer. */
  async end(): Promise<void> {
    await Promise.all(this.#running)
    await Promise.all(this.#processes.map(({ secrets }) => secrets.close()))
  }

  /** A `SecretsError` is allowed; a failed check is not. */
  #run(running: Promise<unknown>, ended: () => void = () => {}): void {
    const settled = running.catch((error: unknown) => (SecretsError.isInstance(error) ? undefined : Promise.reject(error))).finally(ended)
    settled.catch(() => {})
    this.#running.push(settled)
  }

  #at(by: number): Process {
    return this.#processes[by] ?? assert.fail('unknown process')
  }

  #provider(): SecretProvider {
    const stored = (version: number): StoredSecret => ({ value: `v${version}`, version })
    return {
      specificationVersion: 'v1',
      name: 'store',
      sharedAs: 'store',
      get: async () => stored(this.#doReadsLag ? this.#replica : this.#current),
      getVersion: async (_, version) => (typeof version === 'number' && version <= this.#current ? stored(version) : undefined),
      put: async () => {
        const fault = this.#putFault
        this.#putFault = 'none'
        if (fault === 'conflict') throw new SecretsError('VERSION_CONFLICT', 'another writer was first')
        this.#current += 1
        if (fault === 'lost') throw new SecretsError('UNAVAILABLE', 'the answer is lost', { effect: 'unknown' })
        return { version: this.#current }
      },
    }
  }

  /** The cache behind a network. */
  #far(cache: SharedCache): SharedCache {
    const pass = async <T>(call: () => Promise<T>): Promise<T> => {
      const passage = this.passages[(this.#calls += 1) % Math.max(this.passages.length, 1)]
      const { beforeMs = 0, afterMs = 0, fault = 'none' } = passage ?? {}
      await waited(beforeMs)
      if (fault === 'refused') throw new SecretsError('UNAVAILABLE', 'the shared cache refused')
      const answer = await call()
      if (fault === 'lost') throw new SecretsError('UNAVAILABLE', 'the answer is lost')
      await waited(afterMs)
      return answer
    }
    return {
      ...cache,
      longestReadMs: 1_000,
      read: (...given) => pass(() => cache.read(...given)).catch(() => ({ leaseToken: {}, unavailable: true })),
      fill: (...given) => pass(() => cache.fill(...given)),
      invalidate: (...given) => pass(() => cache.invalidate(...given)),
    }
  }
}
