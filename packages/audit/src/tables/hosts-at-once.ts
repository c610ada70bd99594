interface Span {
  readonly host: string
  readonly from: number
  readonly to: number
}

const mostRemembered = 64
const mostNames = 100

/** Finds hosts that wrote at the same time, in bounded memory: of the segments before, it remembers the latest. */
export class HostsAtOnce {
  readonly #names = new Set<string>()
  readonly #latest: Span[] = []

  /** The times of a segment's first and last record. */
  add({ host, from, to }: { readonly [Member in keyof Span]: Span[Member] | undefined }): void {
    if (host === undefined || from === undefined || to === undefined) return
    const others = this.#latest.filter((other) => other.host !== host && other.from < to && other.to > from)
    if (others.length > 0) for (const name of [host, ...others.map((other) => other.host)]) this.#addName(name)
    this.#remember({ host, from, to })
  }

  names(): readonly string[] {
    return [...this.#names].toSorted()
  }

  #addName(name: string): void {
    if (this.#names.size < mostNames) this.#names.add(name)
  }

  #remember(span: Span): void {
    if (this.#latest.length < mostRemembered) return void this.#latest.push(span)
    let earliest = 0
    for (const [at, { to }] of this.#latest.entries()) if (to < (this.#latest[earliest]?.to ?? 0)) earliest = at
    this.#latest[earliest] = span
  }
}
