/** What can be wiped. */
interface Wipeable {
  wipe(): void
}

/** Overwrites secrets with zeros once nobody can read them any more. One for each manager. */
export class Shredder {
  readonly #watched = new Set<WeakRef<Wipeable>>()
  #soon: Wipeable[] = []
  #collected: FinalizationRegistry<{ readonly bytes: Uint8Array; readonly ref: WeakRef<Wipeable> }> | undefined

  /** Wipes `bytes` when `owner` has been collected; the owner must be the only one who reads them. */
  watch(owner: Wipeable, bytes: Uint8Array): void {
    this.#collected ??= new FinalizationRegistry((lost) => {
      lost.bytes.fill(0)
      this.#watched.delete(lost.ref)
    })
    const ref = new WeakRef(owner)
    this.#watched.add(ref)
    this.#collected.register(owner, { bytes, ref })
  }

  /** Wipes in the next turn of the event loop: a reader that was just handed this secret still runs in the present one. */
  wipeSoon(secret: Wipeable): void {
    if (this.#soon.push(secret) > 1) return
    setImmediate(() => this.#wipeWaiting())
  }

  /** Wipes all that is watched or waiting, at once. */
  wipeAll(): void {
    this.#wipeWaiting()
    for (const ref of this.#watched) ref.deref()?.wipe()
    this.#watched.clear()
  }

  #wipeWaiting(): void {
    const secrets = this.#soon
    this.#soon = []
    for (const secret of secrets) secret.wipe()
  }
}
