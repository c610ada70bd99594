import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { systemCode } from '../kit/file-failure.ts'
import { TransportError } from './transport-error.ts'

interface Failure {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy: string
  /** The server refused the connection in the handshake, after the request was written. */
  readonly isRefusal?: true
}

const unreachable = (remedy: string): Failure => ({ code: 'UNAVAILABLE', problem: 'the server cannot be reached', remedy })
const distrusted = (remedy: string): Failure => ({
  code: 'CONFIGURATION',
  problem: "the server's identity cannot be verified",
  remedy,
})
const foreign = (problem: string, remedy: string): Failure => ({ code: 'CONFIGURATION', problem, remedy })

const unknownAuthority = distrusted('give its authority as `tls.ca`')
const badCertificate = distrusted("replace the server's certificate: `openssl s_client -connect` says what is wrong with it")
const noTls = foreign('the server speaks no TLS on this port', 'write http:// in `url`, or correct its port')
const clientCertificate: Failure = {
  ...foreign('the server wants a client certificate that it trusts', 'give one as `tls.cert` and `tls.key`, or another one'),
  isRefusal: true,
}
const handshakeRefused: Failure = {
  ...foreign(
    'the server refused the TLS handshake',
    'if it wants a client certificate, give `tls.cert` and `tls.key`; otherwise let it speak TLS 1.2 or 1.3 with current ciphers',
  ),
  isRefusal: true,
}
const oldTls = foreign('the server speaks no version of TLS that is taken here', 'let it speak TLS 1.2 or 1.3')
const noHttp = foreign('the server speaks no HTTP on this port', 'correct the port in `url`')
const network = unreachable('look at the network, its routes and firewalls, between this machine and the server')
const exhausted = unreachable('this machine has no ports or file descriptors left: raise their limit')
const outOfTime = (problem: string, remedy: string): Failure => ({ code: 'UNAVAILABLE', problem, remedy })

/** By the short code of the system or OpenSSL. */
const failures: ReadonlyMap<string, Failure> = new Map([
  ['ECONNREFUSED', unreachable('start the server, or correct `url`')],
  ['ENOTFOUND', unreachable('correct the host in `url`')],
  ['EAI_AGAIN', unreachable('the name service does not answer: look at DNS')],
  ['ETIMEDOUT', network],
  ['EHOSTUNREACH', network],
  ['ENETUNREACH', network],
  ['EADDRNOTAVAIL', exhausted],
  ['EMFILE', exhausted],
  ['ERR_ACCESS_DENIED', foreign('Node.js lets this process use no network', 'run it with --allow-net')],
  ['CERT_HAS_EXPIRED', outOfTime("the server's certificate has expired", "renew it, or set this machine's clock right")],
  ['CERT_NOT_YET_VALID', outOfTime("the server's certificate is not valid yet", "set this machine's clock right, or replace it")],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', unknownAuthority],
  ['SELF_SIGNED_CERT_IN_CHAIN', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownAuthority],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownAuthority],
  ['CERT_UNTRUSTED', unknownAuthority],
  ['CERT_SIGNATURE_FAILURE', unknownAuthority],
  ['CERT_REVOKED', distrusted("replace the server's certificate")],
  ['ERR_TLS_CERT_ALTNAME_INVALID', distrusted('use a host in `url` that the certificate names, or `tls.servername`')],
  ['CERT_CHAIN_TOO_LONG', badCertificate],
  ['CERT_REJECTED', badCertificate],
  ['INVALID_CA', badCertificate],
  ['INVALID_PURPOSE', badCertificate],
  ['PATH_LENGTH_EXCEEDED', badCertificate],
  ['ERR_SSL_WRONG_VERSION_NUMBER', noTls],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', noTls],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', oldTls],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', oldTls],
  ['HPE_INVALID_CONSTANT', noHttp],
])

/** Phrases of OpenSSL in errors of code `EPROTO`. They are never shown. */
const handshakes: readonly (readonly [phrase: string, failure: Failure])[] = [
  ['wrong version number', noTls],
  ['packet length too long', noTls],
  ['protocol version', oldTls],
  ['unsupported protocol', oldTls],
  ['alert handshake failure', handshakeRefused],
  ['unknown ca', clientCertificate],
  ['certificate', clientCertificate],
]

const broken = outOfTime(
  'the connection to the server broke',
  'look at the server, and at the proxies and firewalls before it; where every call ends so, the port speaks another protocol: correct `url`',
)
const otherHandshake = foreign('the server speaks no TLS that is taken here', 'correct the port in `url`, or let it speak TLS 1.2 or 1.3')
const otherHttp: Failure = {
  code: 'INTERNAL',
  problem: 'the answer is no HTTP that can be read',
  remedy: 'point `url` at the server itself, or at what passes its answers on unchanged',
}
const otherwise = unreachable('look at the server, and at the proxies and firewalls before it')

/** Classifies a socket's error. Only its code is kept. `isAnswered`: an answer had begun. */
export function connectionFailure(error: unknown, sent: boolean, isAnswered = false): TransportError {
  const storeStatus = systemCode(error)
  const isOtherHttp = isAnswered && storeStatus?.startsWith('HPE_') === true
  const { code, problem, remedy, isRefusal = false } = isOtherHttp ? otherHttp : failureOf(error, storeStatus ?? '', sent)
  return new TransportError(code, problem, { remedy, storeStatus, sent: sent && !isRefusal })
}

function failureOf(error: unknown, code: string, sent: boolean): Failure {
  if (code.startsWith('HPE_')) return failures.get(code) ?? otherHttp
  if (/^ERR_SSL_.*ALERT.*(CERT|UNKNOWN_CA)/.test(code)) return clientCertificate
  if (/^ERR_SSL_.*ALERT_HANDSHAKE_FAILURE/.test(code)) return handshakeRefused
  if (sent) return broken
  if (code === 'EPROTO') return handshakes.find(([phrase]) => says(error, phrase))?.[1] ?? otherHandshake
  return failures.get(code) ?? otherwise
}

function says(error: unknown, phrase: string): boolean {
  return process.getBuiltinModule('node:util').types.isNativeError(error) && error.message.includes(phrase)
}
