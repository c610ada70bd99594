import { Unanswered } from './unanswered.ts'

const remedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'start the server, or correct `url`',
  ENOTFOUND: 'correct the host in `url`',
  CERT_HAS_EXPIRED: "renew the server's certificate",
}

/** Waiting does not heal these: the certificate is another one than `tls` asks for, or the other side speaks no TLS. */
const distrust: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'give its authority as `tls.ca`',
  SELF_SIGNED_CERT_IN_CHAIN: 'give its authority as `tls.ca`',
  UNABLE_TO_GET_ISSUER_CERT: 'give its authority as `tls.ca`',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'give its authority as `tls.ca`',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'give its authority as `tls.ca`',
  CERT_SIGNATURE_FAILURE: 'give its authority as `tls.ca`',
  CERT_REVOKED: "replace the server's certificate",
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a host in `url` that the certificate names, or `tls.servername`',
  EPROTO: 'the server speaks plain http on this port, or no TLS that we take: correct `url`',
}

/** What a socket's error means. Of the error itself only its code is kept. */
export function connectionFailure(error: unknown, sent: boolean): Unanswered {
  const storeStatus = codeOf(error)
  const remedy = storeStatus === undefined || sent ? undefined : distrust[storeStatus]
  if (remedy !== undefined)
    return new Unanswered('CONFIGURATION', "the server's identity cannot be verified", { remedy, storeStatus, sent })
  const problem = sent ? 'the connection to the server broke' : 'the server cannot be reached'
  return new Unanswered('UNAVAILABLE', problem, { remedy: remedies[storeStatus ?? ''], storeStatus, sent })
}

/** A code such as `ECONNRESET`, and nothing that only looks like one. */
function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined
}
