import { untilAborted } from '@finchat/secrets-core/provider'
import { deriveKeyRing, type KeyRing, type KeySource, wipeKeyRing, wipeSources } from './derive-keys.ts'
import { newStoreHeader, type StoreHeader } from './store-header.ts'

interface Derivation {
  readonly header: StoreHeader
  readonly keyRing: Promise<KeyRing>
}

/**
 * Derives and caches one store's keys. A derivation may outlast its caller. Derivations never run
 * in parallel: each takes 128 MiB and a thread.
 */
export class KeyCache {
  #sources: readonly KeySource[]
  #latest: Derivation | undefined
  #newHeader: StoreHeader | undefined

  constructor(sources: readonly KeySource[]) {
    this.#sources = sources
  }

  /** Stays the same until the store is created, so that keys are derived once. */
  newHeader(): StoreHeader {
    this.#newHeader ??= newStoreHeader()
    return this.#newHeader
  }

  headerIsUsed(): void {
    this.#newHeader = undefined
  }

  /** The keys derived with this header. Throws `ABORTED` when the signal fires. */
  async keyRing(header: StoreHeader, signal: AbortSignal): Promise<KeyRing> {
    const waiting = 'the key was being derived'
    while (this.#latest && !derivesAlike(this.#latest.header, header)) {
      const earlier = this.#latest // of a header that no store has any more
      await untilAborted(Promise.allSettled([earlier.keyRing]), signal, waiting)
      if (this.#latest === earlier) this.#wipeLatest()
    }
    this.#latest ??= this.#begin(header)
    return untilAborted(this.#latest.keyRing, signal, waiting)
  }

  /** Called once the store is open; no more keys are derived. */
  wipeSources(): void {
    wipeSources(this.#sources)
    this.#sources = []
  }

  /** Wipes all keys. A derivation in progress is wiped when it ends. */
  close(): void {
    this.wipeSources()
    this.#wipeLatest()
  }

  #begin(header: StoreHeader): Derivation {
    const keyRing = deriveKeyRing(this.#sources, header)
    keyRing.catch(() => (this.#latest = undefined)) // The next call retries.
    return { header, keyRing }
  }

  #wipeLatest(): void {
    void this.#latest?.keyRing.then(wipeKeyRing, () => {})
    this.#latest = undefined
  }
}

function derivesAlike(one: StoreHeader, other: StoreHeader): boolean {
  const { log2N, r, p } = other.scrypt
  return one.salt.equals(other.salt) && one.scrypt.log2N === log2N && one.scrypt.r === r && one.scrypt.p === p
}
