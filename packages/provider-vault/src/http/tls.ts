import { SecretsError } from '@finchat/secrets-core'
import { type Credential, readCredential } from '../shared/credential.ts'

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
  if (ca !== undefined) assertAuthorities(ca)
  try {
    process.getBuiltinModule('node:tls').createSecureContext(own)
  } catch {
    throw new SecretsError('CONFIGURATION', '`tls.cert` and `tls.key` do not fit together, or are none', {
      remedy: 'give a certificate and its own key, in PEM, and `tls.passphrase` if the key has one',
    })
  }
}

const begin = '-----BEGIN '
const mark = 'CERTIFICATE-----'

/** OpenSSL trusts those before the first that it cannot read, and says nothing of the others. */
function assertAuthorities(bundle: string): void {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  const blocks = bundle.split(begin).slice(1)
  const certificates = blocks.filter((block) => block.split('-----', 1)[0]?.endsWith('CERTIFICATE') === true)
  if (certificates.length === 0) throw authorityError('`tls.ca` holds no certificate')
  for (const [index, block] of certificates.entries()) {
    try {
      void new X509Certificate(begin + block)
    } catch {
      throw authorityError(`certificate ${index + 1} of \`tls.ca\` cannot be read`)
    }
  }
  // Two of each certificate: where its mark is damaged, OpenSSL passes over it.
  if (bundle.split(mark).length - 1 !== certificates.length * 2)
    throw authorityError('a certificate of `tls.ca` has no beginning or no end')
}

function authorityError(problem: string): SecretsError {
  return new SecretsError('CONFIGURATION', problem, { remedy: "give the authorities' certificates whole, in PEM" })
}

async function readPart(part: string, source: Credential, signal: AbortSignal): Promise<string> {
  try {
    return await readCredential(source, `tls.${part}`, signal)
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.code !== 'CREDENTIALS_MISSING') throw error
    throw new SecretsError('CONFIGURATION', error.problem, { remedy: error.remedy })
  }
}
