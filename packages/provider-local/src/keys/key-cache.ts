import { unlessAborted } from '../shared/abort.ts'
import { deriveKeyring, type Keyring, type KeySource, wipeKeyring, wipeSources } from './keyring.ts'
import { newStoreHeader, type StoreHeader } from './store-header.ts'

interface Derivation {
  readonly header: StoreHeader
  readonly keyring: Promise<Keyring>
  over: boolean
}

/**
 * The keys of one store, derived from the user's. Stretching a passphrase may take longer than any caller waits: it goes
 * on when they leave, and the next caller finds how far it came. Never two at once, for each takes 128 MiB and a thread.
 */
export class StoreKeys {
  #sources: readonly KeySource[]
  #latest: Derivation | undefined
  #newHeader: StoreHeader | undefined

  constructor(sources: readonly KeySource[]) {
    this.#sources = sources
  }

  /** The header of a store that is to be created: the same until it is, so that its keys are derived but once. */
  newHeader(): StoreHeader {
    this.#newHeader ??= newStoreHeader()
    return this.#newHeader
  }

  /** A header belongs to one store. */
  headerIsUsed(): void {
    this.#newHeader = undefined
  }

  /** The keys as the store with this header uses them. Throws `ABORTED` when the signal fires. */
  async keyring(header: StoreHeader, signal: AbortSignal): Promise<Keyring> {
    const waiting = 'the key was being derived'
    while (this.#latest && !this.#latest.over && !derivesAlike(this.#latest.header, header)) {
      await unlessAborted(Promise.allSettled([this.#latest.keyring]), signal, waiting)
    }
    if (!this.#latest || !derivesAlike(this.#latest.header, header)) this.#latest = this.#begin(header)
    return unlessAborted(this.#latest.keyring, signal, waiting)
  }

  /** The store is open: no key is derived any more. */
  wipeSources(): void {
    wipeSources(this.#sources)
    this.#sources = []
  }

  /** Wipes all keys, those of a derivation that is under way when that ends. */
  close(): void {
    this.wipeSources()
    void this.#latest?.keyring.then(wipeKeyring, () => {})
    this.#latest = undefined
  }

  #begin(header: StoreHeader): Derivation {
    void this.#latest?.keyring.then(wipeKeyring, () => {}) // of another header, which no store has any more
    const derivation: Derivation = { header, keyring: deriveKeyring(this.#sources, header), over: false }
    derivation.keyring.then(
      () => (derivation.over = true),
      () => {
        derivation.over = true
        if (this.#latest === derivation) this.#latest = undefined // another call tries again
      },
    )
    return derivation
  }
}

function derivesAlike(one: StoreHeader, other: StoreHeader): boolean {
  const { log2N, r, p } = other.scrypt
  return one.salt.equals(other.salt) && one.scrypt.log2N === log2N && one.scrypt.r === r && one.scrypt.p === p
}
