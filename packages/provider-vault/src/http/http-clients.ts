import { SecretsError } from '@finchat/secrets-core'
import { warnOperator } from '@finchat/secrets-core/provider'
import { isLate, untilEnded } from '../shared/deadline.ts'
import { type HttpClient, httpClient } from './http-client.ts'
import { type TlsMaterial, tlsMaterial, type VaultTls } from './tls.ts'
import type { VaultUrl } from './url.ts'

/** The client for one server, and its successor when the files of `tls` have changed. */
export class HttpClients {
  readonly #url: VaultUrl
  readonly #tls: VaultTls
  readonly #isRotating: boolean
  #opening: Promise<HttpClient> | undefined
  #client: HttpClient | undefined
  #material: TlsMaterial = {}
  #isWarned = false

  constructor(url: VaultUrl, tls: VaultTls) {
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
    const opening = (this.#opening ??= this.#open())
    try {
      return await untilEnded(opening, signal)
    } finally {
      // What hung is read again by the next request.
      const isGivenUp = signal.aborted && !isLate(signal)
      if (this.#opening === opening && !isGivenUp) this.#opening = undefined
    }
  }

  close(): void {
    this.#client?.close()
  }

  async #open(): Promise<HttpClient> {
    const former = this.#client
    const material = await this.#read(former)
    // A read that hung may be overtaken by a later one.
    if (this.#client !== undefined && (this.#client !== former || isSame(material, this.#material))) return this.#client
    former?.retire()
    this.#material = material
    return (this.#client = httpClient(this.#url, material))
  }

  /** Unreadable files, perhaps in the middle of a rotation, leave the former in use. */
  async #read(former: HttpClient | undefined): Promise<TlsMaterial> {
    if (!this.#url.isSecure) return {}
    try {
      const material = await tlsMaterial(this.#tls, new AbortController().signal)
      this.#isWarned = false
      return material
    } catch (error) {
      if (former === undefined || !SecretsError.isInstance(error)) throw error
      this.#warnOnce(error)
      return this.#material
    }
  }

  #warnOnce({ problem }: SecretsError): void {
    if (this.#isWarned) return
    this.#isWarned = true
    const message = `Vault at ${this.#url.text}: \`tls\` cannot be read again, so what was read before is still used: ${problem}`
    warnOperator(message, 'FINCHAT_SECRETS_TLS_NOT_RENEWED')
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key && one.passphrase === other.passphrase
}
