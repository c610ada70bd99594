import type { Row } from './aws-errors.ts'

/** Our own codes for a refused body, in the form of Node.js codes. */
export const answerTooLarge = 'ANSWER_TOO_LARGE'
export const answerNotUtf8 = 'ANSWER_NOT_UTF8'

/** Errors of the network, as Node.js and the SDK report them. */
export const networkErrors: readonly Row[] = [
  { names: ['ECONNREFUSED'], code: 'UNAVAILABLE', problem: 'the endpoint refuses connections' },
  {
    names: ['ENOTFOUND', 'EAI_AGAIN'],
    code: 'UNAVAILABLE',
    problem: "the endpoint's name cannot be resolved",
    remedy: 'correct the region or the endpoint, or repair the name service',
  },
  {
    names: ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
    code: 'UNAVAILABLE',
    problem: 'there is no route to the endpoint',
  },
  {
    names: [
      'ECONNRESET',
      'EPIPE',
      'ECONNABORTED',
      'ERR_HTTP2_GOAWAY_SESSION',
      'ERR_HTTP2_SESSION_ERROR',
      'ERR_HTTP2_STREAM_CANCEL',
      'ERR_HTTP2_STREAM_ERROR',
      'ERR_STREAM_PREMATURE_CLOSE',
    ],
    code: 'UNAVAILABLE',
    problem: 'the connection was reset',
    isEffectUnknown: true,
  },
  {
    names: [
      'CERT_CHAIN_TOO_LONG',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'CERT_REJECTED',
      'CERT_REVOKED',
      'CERT_SIGNATURE_FAILURE',
      'CERT_UNTRUSTED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'HOSTNAME_MISMATCH',
      'INVALID_CA',
      'INVALID_PURPOSE',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    code: 'CONFIGURATION',
    problem: "the endpoint's certificate is not trusted",
    remedy: 'trust its authority by NODE_EXTRA_CA_CERTS, or correct the endpoint',
  },
  {
    names: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER'],
    code: 'CONFIGURATION',
    problem: 'the endpoint does not speak TLS as it should',
    remedy: 'correct the endpoint',
  },
  {
    // llhttp's codes
    names: [
      'HPE_INVALID_CONSTANT',
      'HPE_INVALID_VERSION',
      'HPE_INVALID_STATUS',
      'HPE_INVALID_HEADER_TOKEN',
      'HPE_INVALID_CONTENT_LENGTH',
      'HPE_INVALID_CHUNK_SIZE',
      'HPE_HEADER_OVERFLOW',
      'HPE_CLOSED_CONNECTION',
    ],
    code: 'UNAVAILABLE',
    problem: 'the endpoint did not answer in HTTP',
    isEffectUnknown: true,
    remedy: 'correct `endpoint`',
  },
  {
    names: [answerTooLarge],
    code: 'INTERNAL',
    problem: 'the endpoint answered more than AWS ever does',
    isEffectUnknown: true,
    remedy: 'correct `endpoint`',
  },
  {
    names: [answerNotUtf8],
    code: 'INTERNAL',
    problem: 'the endpoint answered bytes that are not UTF-8',
    isEffectUnknown: true,
    remedy: 'correct `endpoint`, or check whether a proxy alters answers',
  },
  {
    names: ['ETIMEDOUT', 'TimeoutError', 'RequestTimeout', 'RequestTimeoutException'],
    code: 'DEADLINE_EXCEEDED',
    problem: 'AWS did not answer in time',
    isEffectUnknown: true,
  },
]
