import { SecretsError } from '../errors/secrets-error.ts'
import { bounded } from '../guard/deadline.ts'
import { warnOperator } from '../guard/outage-warning.ts'
import { isLate, untilEnded } from './call-bounds.ts'
import { type HttpClient, httpClient } from './http-client.ts'
import type { ServerUrl } from './server-url.ts'
import { type ServerTls, type TlsMaterial, tlsMaterial } from './tls-material.ts'

/** A slow source costs a call this long, then what was read before serves it. */
const rereadMs = 1_000
/** Such a read goes on alone, and its answer serves later calls. After this long it hangs. */
const hangsMs = 60_000

interface LateRead {
  readonly since: number
  readonly end: AbortController
}

/**
 * The client for one server, and its successor when the files of `tls` have changed. `service` names
 * the server in messages.
 *
 * @example
 * import { HttpClients, serverUrl } from '@finchat/secrets-core/http'
 *
 * const clients = new HttpClients('Vault', serverUrl('https://vault.example', 'a Vault server', false), {})
 * clients.close() // nothing was opened
 */
export class HttpClients {
  readonly #service: string
  readonly #url: ServerUrl
  readonly #tls: ServerTls
  readonly #isRotating: boolean
  readonly #closing = new AbortController()
  #opening: Promise<HttpClient> | undefined
  #client: HttpClient | undefined
  #material: TlsMaterial = {}
  #late: LateRead | undefined
  #isWarned = false

  constructor(service: string, url: ServerUrl, tls: ServerTls) {
    this.#service = service
    this.#url = url
    this.#tls = tls
    this.#isRotating = url.isSecure && Object.values(tls).some((source) => source !== undefined && typeof source !== 'string')
  }

  /** Undefined if the files must be read first. */
  current(isLogin: boolean): HttpClient | undefined {
    const client = this.#client
    return this.#isRotating && (isLogin || client?.needsConnection() === true) ? undefined : client
  }

  /** Reads the files, once for all that wait. */
  async opened(signal: AbortSignal): Promise<HttpClient> {
    const opening = (this.#opening ??= this.#begin())
    try {
      return await untilEnded(opening, signal)
    } finally {
      // What hung is read again by the next request.
      if (isLate(signal)) this.#end(opening)
    }
  }

  /** The text of the certificate that the next login presents. */
  async certificate(signal: AbortSignal): Promise<string | undefined> {
    await this.opened(signal)
    return this.#material.cert
  }

  close(): void {
    this.#closing.abort()
    this.#client?.close()
  }

  /** Ends by itself, since all that wait may have left: a later request must read again. */
  #begin(): Promise<HttpClient> {
    const opening = this.#open()
    const end = (): void => this.#end(opening)
    opening.then(end, end)
    return opening
  }

  #end(opening: Promise<HttpClient>): void {
    if (this.#opening === opening) this.#opening = undefined
  }

  async #open(): Promise<HttpClient> {
    const former = this.#client
    return this.#replace(former, await this.#read(former))
  }

  #replace(former: HttpClient | undefined, material: TlsMaterial): HttpClient {
    // A read that hung may be overtaken by a later one.
    if (this.#client !== undefined && (this.#client !== former || isSame(material, this.#material))) return this.#client
    former?.retire()
    this.#material = material
    return (this.#client = httpClient(this.#url, material))
  }

  /** Unreadable files, perhaps in the middle of a rotation, leave the former in use. */
  async #read(former: HttpClient | undefined): Promise<TlsMaterial> {
    if (!this.#url.isSecure) return {}
    const end = new AbortController()
    const reading = this.#within(Infinity, (signal) => tlsMaterial(this.#tls, signal), end.signal)
    try {
      const material = await (former === undefined ? reading : this.#within(rereadMs, () => reading))
      this.#isWarned = false
      this.#late?.end.abort()
      return material
    } catch (error) {
      if (former === undefined || this.#closing.signal.aborted || !SecretsError.isInstance(error)) throw error
      this.#warnOnce(error)
      this.#goOn(former, reading, end)
      return this.#material
    }
  }

  #within<T>(deadlineMs: number, run: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return bounded(run, { deadlineMs, signal, closing: this.#closing.signal, owner: `the ${this.#service} provider` })
  }

  /** One alone, the first, unless it hangs: a source that is always slow must be renewed. */
  #goOn(former: HttpClient, reading: Promise<TlsMaterial>, end: AbortController): void {
    const now = performance.now()
    if (this.#late !== undefined && now - this.#late.since < hangsMs) return end.abort()
    this.#late?.end.abort()
    const late = { since: now, end }
    this.#late = late
    const ended = (): void => void (this.#late === late && (this.#late = undefined))
    reading.then((material) => this.#replace(former, material)).then(ended, ended)
  }

  #warnOnce({ problem }: SecretsError): void {
    if (this.#isWarned) return
    this.#isWarned = true
    const message = `${this.#service} at ${this.#url.text}: \`tls\` cannot be read again, so what was read before is still used: ${problem}`
    warnOperator(message, 'FINCHAT_SECRETS_TLS_NOT_RENEWED')
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key && one.passphrase === other.passphrase
}
