interface Wipeable {
  wipe(): void
}

/** Overwrites secrets with zeros once nothing can read them. One for each manager. */
export class Zeroizer {
  readonly #watched = new Set<WeakRef<Wipeable>>()
  #soon: Wipeable[] = []
  #collected: FinalizationRegistry<{ readonly bytes: Uint8Array; readonly ref: WeakRef<Wipeable> }> | undefined

  /** Wipes `bytes` once `owner`, their only reader, is collected. */
  watch(owner: Wipeable, bytes: Uint8Array): void {
    this.#collected ??= new FinalizationRegistry((lost) => {
      lost.bytes.fill(0)
      this.#watched.delete(lost.ref)
    })
    const ref = new WeakRef(owner)
    this.#watched.add(ref)
    this.#collected.register(owner, { bytes, ref })
  }

  /** Wipes in the next turn of the event loop: a reader may still use the secret in this one. */
  wipeSoon(secret: Wipeable): void {
    if (this.#soon.push(secret) > 1) return
    setImmediate(() => this.#wipeWaiting())
  }

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
