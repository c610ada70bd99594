/**
 * The state of a cluster in `X-Vault-Index`. OpenBao writes base64 of `{"cluster":…,"value":…}`,
 * Vault of `v1:cluster:local:replicated:mac`. It is not a secret.
 */
interface State {
  readonly header: string
  readonly cluster: string
  readonly indexes: readonly bigint[]
  /** A state that no standby has reached. Only OpenBao: Vault signs its states. */
  readonly unreached: string | undefined
}

type Headers = Readonly<Record<string, string>>

/**
 * The highest state seen. Each request carries it, and a standby that is behind then forwards the
 * request, so a read sees earlier writes.
 */
export class ReplicaState {
  #highest: State | undefined
  #canForward = true

  /** `isForActive`: asks for the active node, if the server allows that. */
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
    const highest = this.#highest
    if (highest?.cluster !== state.cluster || state.indexes.some((index, at) => index > (highest.indexes[at] ?? 0n))) this.#highest = state
  }

  forget(): void {
    this.#highest = undefined
  }

  /** Vault Enterprise refuses the header without `allow_forwarding_via_header`. */
  cannotForward(): void {
    this.#canForward = false
  }
}

/** Usual are 200; servers limit the bytes of headers. */
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
