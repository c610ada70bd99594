import { systemCode } from '@finchat/secrets-core/provider'
import { refused } from '../record/errors.ts'

/** By the short code of the system or OpenSSL. */
const reasons: readonly (readonly [codes: RegExp, problem: string, remedy: string])[] = [
  [/^ECONNREFUSED$/, 'nothing listens at that port of the syslog server', 'start the server, or correct `port`'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'the name of the syslog server is unknown here', 'correct `host`, or look at DNS'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "the syslog server's certificate names another host", 'correct `host`, or set `tls.servername`'],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, "the syslog server's certificate is not valid now", "renew it, or set this machine's clock right"],
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^CERT_/,
    "the authority of the syslog server's certificate is not trusted",
    'give its certificate as `tls.ca`',
  ],
  [
    /^ERR_SSL_.*(ALERT|CERT)/,
    'the syslog server refused the TLS handshake',
    'if it wants a client certificate, give `tls.cert` and `tls.key`',
  ],
  [/^(EPROTO|ERR_SSL_)/, 'the syslog server speaks no TLS that is taken here', "correct `port`, or use transport: 'tcp'"],
]

/** Why no connection came about. Nothing of the failure is shown but its code. */
export function unreachable(failure: unknown): Error {
  const code = systemCode(failure) ?? ''
  const [, problem, remedy] = reasons.find(([codes]) => codes.test(code)) ?? otherwise
  return refused(problem, remedy, failure)
}

const otherwise = [
  /./,
  'the syslog server cannot be reached',
  'check `host`, `port`, and for TLS that its certificate is trusted and names it',
] as const
