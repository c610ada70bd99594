import { expect, test } from 'vitest'
import { connectionFailure } from './connection-failure.ts'

const failed = (code: unknown, sent: boolean) => connectionFailure(Object.assign(new Error('of another'), { code }), sent)

test('a server that speaks another protocol is CONFIGURATION, but not one that breaks an encrypted connection', () => {
  expect(failed('EPROTO', false)).toMatchObject({ code: 'CONFIGURATION', storeStatus: 'EPROTO', sent: false })
  expect(failed('EPROTO', true)).toMatchObject({ code: 'UNAVAILABLE', storeStatus: 'EPROTO', sent: true })
})

test.each([
  ['ECONNREFUSED', 'UNAVAILABLE', 'start the server'],
  ['ENOTFOUND', 'UNAVAILABLE', 'correct the host'],
  ['EAI_AGAIN', 'UNAVAILABLE', 'look at DNS'],
  ['ETIMEDOUT', 'UNAVAILABLE', 'look at the network'],
  ['EHOSTUNREACH', 'UNAVAILABLE', 'look at the network'],
  ['ENETUNREACH', 'UNAVAILABLE', 'look at the network'],
  ['EADDRNOTAVAIL', 'UNAVAILABLE', 'raise their limit'],
  ['EMFILE', 'UNAVAILABLE', 'raise their limit'],
  ['CERT_HAS_EXPIRED', 'UNAVAILABLE', 'renew it'],
  ['CERT_NOT_YET_VALID', 'UNAVAILABLE', "set this machine's clock right"],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'CONFIGURATION', '`tls.ca`'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'CONFIGURATION', '`tls.ca`'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'CONFIGURATION', '`tls.ca`'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CONFIGURATION', '`tls.ca`'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CONFIGURATION', '`tls.ca`'],
  ['CERT_UNTRUSTED', 'CONFIGURATION', '`tls.ca`'],
  ['CERT_SIGNATURE_FAILURE', 'CONFIGURATION', '`tls.ca`'],
  ['CERT_REVOKED', 'CONFIGURATION', "replace the server's certificate"],
  ['CERT_CHAIN_TOO_LONG', 'CONFIGURATION', 'openssl s_client'],
  ['CERT_REJECTED', 'CONFIGURATION', 'openssl s_client'],
  ['INVALID_CA', 'CONFIGURATION', 'openssl s_client'],
  ['INVALID_PURPOSE', 'CONFIGURATION', 'openssl s_client'],
  ['PATH_LENGTH_EXCEEDED', 'CONFIGURATION', 'openssl s_client'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'CONFIGURATION', '`tls.servername`'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'CONFIGURATION', 'write http://'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'CONFIGURATION', 'write http://'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'CONFIGURATION', 'let it speak TLS 1.2 or 1.3'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'CONFIGURATION', 'let it speak TLS 1.2 or 1.3'],
  ['ERR_ACCESS_DENIED', 'CONFIGURATION', '--allow-net'],
  ['ESOMETHING', 'UNAVAILABLE', 'look at the server'],
] as const)('%s before anything was sent is %s, with a remedy', (storeStatus, code, remedy) => {
  expect(failed(storeStatus, false)).toMatchObject({ code, storeStatus, remedy: expect.stringContaining(remedy), sent: false })
})

test.each([
  ['HPE_INVALID_CONSTANT', 'CONFIGURATION', 'correct the port', true],
  ['HPE_INVALID_CHUNK_SIZE', 'INTERNAL', 'point `url` at the server itself', true],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'CONFIGURATION', '`tls.cert` and `tls.key`', false],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'CONFIGURATION', '`tls.cert` and `tls.key`', false],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'CONFIGURATION', 'if it wants a client certificate', false],
  ['ECONNRESET', 'UNAVAILABLE', 'speaks another protocol', true],
  ['CERT_HAS_EXPIRED', 'UNAVAILABLE', 'look at the server', true],
] as const)('%s after something was sent is %s, with a remedy', (storeStatus, code, remedy, sent) => {
  expect(failed(storeStatus, true)).toMatchObject({ code, storeStatus, remedy: expect.stringContaining(remedy), sent })
})

test("OpenSSL's messages distinguish handshakes, and are not shown", () => {
  const said = (phrase: string) =>
    connectionFailure(Object.assign(new Error(`write EPROTO 40:error:0A:SSL routines:${phrase}:c4n4ry`), { code: 'EPROTO' }), false)
  expect(said('wrong version number').message).toBe('the server speaks no TLS on this port')
  expect(said('packet length too long').message).toBe('the server speaks no TLS on this port')
  for (const phrase of ['tlsv1 alert protocol version', 'unsupported protocol'])
    expect(said(phrase).message).toBe('the server speaks no version of TLS that is taken here')
  expect(said('ssl/tls alert handshake failure').message).toBe('the server refused the TLS handshake')
  for (const phrase of ['ssl/tls alert bad certificate', 'tlsv1 alert unknown ca'])
    expect(said(phrase).message).toBe('the server wants a client certificate that it trusts')
  const { message, remedy, code } = said('something new')
  expect([code, `${message} ${remedy ?? ''}`]).toEqual(['CONFIGURATION', expect.not.stringContaining('c4n4ry')])
})

test.each(['constructor', 'ECONNRESET of c4n4ry', 'e', '', 7, undefined, 'X'.repeat(100)])('%s is no code, and is not shown', (code) => {
  expect(failed(code, false)).toMatchObject({ code: 'UNAVAILABLE', message: 'the server cannot be reached', storeStatus: undefined })
})

test('of what is no error nothing is kept', () => {
  expect(connectionFailure({ code: 'ECONNRESET' }, true)).toMatchObject({ code: 'UNAVAILABLE', storeStatus: undefined })
})

test('an answer that breaks off is an outage, and one that is no HTTP is INTERNAL', () => {
  const whileAnswered = (code: string) => connectionFailure(Object.assign(new Error('of another'), { code }), true, true)
  expect(whileAnswered('ECONNRESET')).toMatchObject({ code: 'UNAVAILABLE', sent: true })
  expect(whileAnswered('HPE_INVALID_CONSTANT')).toMatchObject({ code: 'INTERNAL', sent: true })
})
