import {
  assertAuthorities,
  assertClientCertificate,
  configurationError,
  type Credential,
  hasCode,
  readCredential,
} from '@finchat/secrets-core/provider'

/**
 * Certificates for https, in PEM: the text itself, or `{ file }`, which each login and each new
 * connection reads.
 */
export interface VaultTls {
  /** The only trusted authorities. Default: those that Node.js trusts. */
  readonly ca?: Credential | undefined
  /** The client's certificate, for `cert` authentication. */
  readonly cert?: Credential | undefined
  /** Its private key. */
  readonly key?: Credential | undefined
  readonly passphrase?: Credential | undefined
  /** The name in the server's certificate, if it is not the host of `url`. */
  readonly servername?: string | undefined
}

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
export async function tlsMaterial({ servername, ...parts }: VaultTls, signal: AbortSignal): Promise<TlsMaterial> {
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
