import { assertCredential, type Credential, readCredential } from '../kit/credential.ts'
import { hasCode } from '../kit/error-code.ts'
import { assertAuthorities, assertClientCertificate } from '../kit/tls.ts'
import { configurationError } from '../options/check-option.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'

/**
 * Certificates for https, in PEM: the text itself, or `{ file }`, which each new connection and, in
 * Vault, each login reads.
 */
export interface ServerTls {
  /** The only trusted authorities. Default: those that Node.js trusts. */
  readonly ca?: Credential | undefined
  /** The client's certificate. */
  readonly cert?: Credential | undefined
  /** Its private key. */
  readonly key?: Credential | undefined
  readonly passphrase?: Credential | undefined
  /** The name in the server's certificate, if it is not the host of `url`. */
  readonly servername?: string | undefined
}

/** The texts of a `ServerTls`. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly servername?: string
}

/**
 * Rejects with `CONFIGURATION` if a file is missing: a fallback must not replace a server whose
 * identity is unknown.
 */
export async function tlsMaterial({ servername, ...parts }: ServerTls, signal: AbortSignal): Promise<TlsMaterial> {
  const read = Object.entries(parts).filter((entry): entry is [string, Credential] => entry[1] !== undefined)
  const texts = await Promise.all(read.map(async ([part, source]) => [part, await readPart(part, source, signal)]))
  const material: TlsMaterial = Object.fromEntries(texts)
  if (material.ca !== undefined) assertAuthorities(material.ca, 'tls.ca')
  assertClientCertificate({ passphrase: undefined, ...material }) // an invalid one is not the server's error
  return { ...material, ...(servername !== undefined && { servername }) }
}

async function readPart(part: string, source: Credential, signal: AbortSignal): Promise<string> {
  try {
    return await readCredential(source, `tls.${part}`, signal)
  } catch (error) {
    if (!hasCode(error, 'CREDENTIALS_MISSING')) throw error
    throw configurationError(error.problem, error.remedy)
  }
}

const tlsMembers: MembersOf<ServerTls> = { ca: 'any', cert: 'any', key: 'any', passphrase: 'any', servername: 'string' }

/**
 * Returns the options as they can be used. Throws `CONFIGURATION` for unknown members, a certificate
 * without its key, and a text that is no PEM.
 *
 * @example
 * import { checkedTls } from '@finchat/secrets-core/http'
 *
 * console.log(checkedTls({ ca: { file: '/etc/ca.pem' } }).ca) // { file: '/etc/ca.pem' }
 */
export function checkedTls(given: ServerTls): ServerTls {
  const tls = knownOptions(given, tlsMembers)
  const { servername: _servername, ...parts } = tls
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw configurationError('`tls` has only one of cert and key', 'give both')
  for (const [part, source] of Object.entries(parts)) {
    if (source === undefined) continue
    assertCredential(source, `tls.${part}`)
    if (part !== 'passphrase' && typeof source === 'string' && !source.includes('-----BEGIN'))
      throw configurationError(`\`tls.${part}\` is no PEM text`, 'give PEM text, or { file } for the path of a file')
  }
  return tls
}
