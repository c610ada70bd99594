/**
 * How far a cluster had got, as an answer's `X-Vault-Index` says: OpenBao writes base64 of `{"cluster":…,"value":…}`, Vault base64 of
 * `v1:cluster:local:replicated:mac`. It is not a secret.
 */
interface State {
  readonly header: string
  readonly cluster: string
  readonly indexes: readonly bigint[]
  /** A state that no standby has reached. Vault signs its own, so nobody else can write one. */
  readonly unreached: string | undefined
}

type Headers = Readonly<Record<string, string>>

/**
 * The highest state seen. Sent back with every request, a standby that has not got so far yet passes the request on to the active node, so
 * that what was written is what is read.
 */
export class ReplicaState {
  #highest: State | undefined
  #canForward = true

  /** `isForActive`: asks for the active node, where the server allows that. */
  headers(isForActive = false): Headers {
    const state = this.#highest
    if (state === undefined) return {}
    if (!this.#canForward) return { 'X-Vault-Index': state.header }
    const index = isForActive ? (state.unreached ?? state.header) : state.header
    return { 'X-Vault-Index': index, 'X-Vault-Inconsistent': 'forward-active-node' }
  }

  get isKnown(): boolean {
    return this.#highest !== undefined
  }

  saw(header: string | undefined): void {
    if (header === undefined || header === this.#highest?.header) return
    const state = parse(header)
    if (state === undefined) return
    const { cluster, indexes } = this.#highest ?? {}
    // Another cluster at the same address counts anew.
    if (cluster !== state.cluster || state.indexes.some((index, at) => index > (indexes?.[at] ?? 0n))) this.#highest = state
  }

  /** The server does not know what to do with it. */
  forget(): void {
    this.#highest = undefined
  }

  /** Vault Enterprise refuses the header, unless `allow_forwarding_via_header` is set. */
  cannotForward(): void {
    this.#canForward = false
  }
}

/** Some 200 are usual; a server takes only so many bytes of headers. */
const longestHeader = 1_024

function parse(header: string): State | undefined {
  const text = Buffer.from(header, 'base64').toString()
  const [, cluster = '', ...numbers] =
    /^v1:([^:]+):(\d{1,20}):(\d{1,20}):/.exec(text) ?? /^\{"cluster":"([^"]+)","value":"(\d{1,20})"\}$/.exec(text) ?? []
  if (cluster === '' || header.length > longestHeader) return undefined
  return { header, cluster, indexes: numbers.map(BigInt), unreached: text.startsWith('{') ? unreachedOf(cluster) : undefined }
}

const greatest = String(2n ** 64n - 1n)

function unreachedOf(cluster: string): string {
  return Buffer.from(JSON.stringify({ cluster, value: greatest })).toString('base64')
}
