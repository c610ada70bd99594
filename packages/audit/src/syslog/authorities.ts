import { misconfigured } from '../sinks/sink-errors.ts'

const begin = '-----BEGIN '
const mark = 'CERTIFICATE-----'

/**
 * Throws `CONFIGURATION` unless each certificate of the bundle can be read: OpenSSL trusts those
 * before the first that it cannot read, and passes over what has no mark, without a word.
 */
export function assertAuthorities(bundle: string): void {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  const blocks = bundle.split(begin).slice(1)
  const certificates = blocks.filter((block) => block.split('-----', 1)[0]?.endsWith('CERTIFICATE') === true)
  if (certificates.length === 0) throw damaged('`tls.ca` holds no certificate')
  for (const [index, block] of certificates.entries()) {
    try {
      void new X509Certificate(begin + block)
    } catch {
      throw damaged(`certificate ${index + 1} of \`tls.ca\` cannot be read`)
    }
  }
  if (bundle.split(mark).length - 1 !== certificates.length * 2) throw damaged('a certificate of `tls.ca` has no beginning or no end')
}

function damaged(problem: string): Error {
  return misconfigured(problem, "give the authorities' certificates whole, in PEM")
}
