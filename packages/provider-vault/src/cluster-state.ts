/**
 * How far a cluster had got, as an answer's `X-Vault-Index` says: OpenBao writes base64 of `{"cluster":…,"value":…}`, Vault base64 of
 * `v1:cluster:local:replicated:mac`. It is not a secret.
 */
interface State {
  readonly header: string
  readonly cluster: string
  readonly indexes: readonly bigint[]
}

/**
 * The highest state seen. Sent back with every request, a standby that has not got so far yet passes the request on to the active node, so
 * that what was written is what is read.
 */
export class ClusterState {
  #highest: State | undefined

  headers(): Readonly<Record<string, string>> {
    return this.#highest === undefined ? {} : { 'X-Vault-Index': this.#highest.header, 'X-Vault-Inconsistent': 'forward-active-node' }
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
}

/** Some 200 are usual; a server takes only so many bytes of headers. */
const longestHeader = 1_024

function parse(header: string): State | undefined {
  const text = Buffer.from(header, 'base64').toString()
  const [, cluster = '', ...numbers] =
    /^v1:([^:]+):(\d{1,20}):(\d{1,20}):/.exec(text) ?? /^\{"cluster":"([^"]+)","value":"(\d{1,20})"\}$/.exec(text) ?? []
  return cluster === '' || header.length > longestHeader ? undefined : { header, cluster, indexes: numbers.map(BigInt) }
}
