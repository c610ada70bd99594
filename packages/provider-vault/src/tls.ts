import { SecretsError } from '@finchat/secrets-core'
import { type Credential, readCredential } from './credential.ts'

/** Certificates for https, in PEM: the text itself, or `{ file }`, which is read at the first request. */
export interface VaultTls {
  /** The only authorities that are trusted. Default: those that Node.js trusts. */
  readonly ca?: Credential | undefined
  /** The client's certificate, for `cert` authentication. */
  readonly cert?: Credential | undefined
  /** Its private key. */
  readonly key?: Credential | undefined
  readonly passphrase?: Credential | undefined
  /** The name that the server's certificate must have, where it is not the host of `url`. */
  readonly servername?: string | undefined
}

/** The same as `https.Agent` takes it. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly servername?: string
}

/** Rejects with `CONFIGURATION` for what is named and not there: nobody else can stand in for a server that is to be trusted. */
export async function tlsMaterial({ servername, ...parts }: VaultTls, signal: AbortSignal): Promise<TlsMaterial> {
  const read = Object.entries(parts).filter((entry): entry is [string, Credential] => entry[1] !== undefined)
  const texts = await Promise.all(read.map(async ([part, source]) => [part, await readPart(part, source, signal)]))
  const material: TlsMaterial = Object.fromEntries(texts)
  assertUsable(material)
  return { ...material, ...(servername !== undefined && { servername }) }
}

/** Told here, what OpenSSL would refuse is known to be nothing that the server said. Its own errors are not shown. */
function assertUsable({ ca, ...own }: TlsMaterial): void {
  try {
    if (ca !== undefined) void new (process.getBuiltinModule('node:crypto').X509Certificate)(ca)
  } catch {
    throw new SecretsError('CONFIGURATION', '`tls.ca` is no certificate', { remedy: "give the authority's certificate, in PEM" })
  }
  try {
    process.getBuiltinModule('node:tls').createSecureContext(own)
  } catch {
    throw new SecretsError('CONFIGURATION', '`tls.cert` and `tls.key` do not fit together, or are none', {
      remedy: 'give a certificate and its own key, in PEM, and `tls.passphrase` if the key has one',
    })
  }
}

async function readPart(part: string, source: Credential, signal: AbortSignal): Promise<string> {
  try {
    return await readCredential(source, `tls.${part}`, signal)
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.code !== 'CREDENTIALS_MISSING') throw error
    throw new SecretsError('CONFIGURATION', error.problem, { remedy: error.remedy })
  }
}
