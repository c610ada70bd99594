import { configurationError } from '../options/check-option.ts'

const begin = '-----BEGIN '
const mark = 'CERTIFICATE-----'

/**
 * Throws `CONFIGURATION` unless every certificate of a PEM bundle can be read. OpenSSL silently
 * stops at an unreadable one and skips damaged marks. `option` names the bundle in the error.
 *
 * @example
 * import { rootCertificates } from 'node:tls'
 * import { assertAuthorities } from '@finchat/secrets-core/provider'
 *
 * assertAuthorities(rootCertificates.slice(0, 2).join('\n'), 'tls.ca')
 */
export function assertAuthorities(bundle: string, option: string): void {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  const blocks = bundle.split(begin).slice(1)
  const certificates = blocks.filter((block) => block.split('-----')[0]?.endsWith('CERTIFICATE') === true)
  if (certificates.length === 0) throw damaged(`\`${option}\` holds no certificate`)
  for (const [index, block] of certificates.entries()) {
    try {
      void new X509Certificate(begin + block)
    } catch {
      throw damaged(`certificate ${index + 1} of \`${option}\` cannot be read`)
    }
  }
  if (bundle.split(mark).length - 1 !== certificates.length * 2) {
    throw damaged(`a certificate of \`${option}\` has no beginning or no end`)
  }
}

/**
 * Returns the least version of TLS for a client: 1.2, or 1.3 if Node.js is started with
 * `--tls-min-v1.3`. Give it as `minVersion`, so that no other flag lowers it.
 *
 * @example
 * import { leastTlsVersion } from '@finchat/secrets-core/provider'
 *
 * console.log(leastTlsVersion()) // TLSv1.2
 */
export function leastTlsVersion(): 'TLSv1.2' | 'TLSv1.3' {
  return process.getBuiltinModule('node:tls').DEFAULT_MIN_VERSION === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2'
}

/** In PEM. */
export interface ClientCertificate {
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
}

/**
 * Throws `CONFIGURATION` unless certificate and key can be read and belong together. OpenSSL's own
 * errors are not shown. The remedy names `tls.passphrase` if that member is given, also as undefined.
 *
 * @example
 * import { assertClientCertificate } from '@finchat/secrets-core/provider'
 *
 * assertClientCertificate({}) // none is fine; assertClientCertificate({ cert: 'x' }) throws
 */
export function assertClientCertificate(given: ClientCertificate): void {
  const { cert, key, passphrase } = given
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ cert, key, passphrase })
  } catch {
    const secret = 'passphrase' in given ? 'and `tls.passphrase` if the key has one' : 'the key without a passphrase'
    const remedy = `give a certificate and its own key, in PEM, ${secret}`
    throw configurationError('`tls.cert` and `tls.key` do not belong together, or cannot be read', remedy)
  }
}

function damaged(problem: string): Error {
  return configurationError(problem, "give the authorities' certificates whole, in PEM")
}
