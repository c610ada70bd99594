import { generateKeyPairSync } from 'node:crypto'
import tls, { rootCertificates } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { assertAuthorities, assertClientCertificate, leastTlsVersion } from './tls.ts'

const [first = '', second = ''] = rootCertificates
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

describe('assertAuthorities', () => {
  it.each([
    ['one certificate', first],
    ['a bundle', `${first}\n${second}\n`],
    ['a bundle with remarks', `# root\n${first}\n# another\n${second}`],
    ['a bundle with Windows line ends', `${first}\n${second}`.replaceAll('\n', '\r\n')],
  ])('takes %s', (_, bundle) => {
    expect(() => assertAuthorities(bundle, 'tls.ca')).not.toThrow()
  })

  it.each([
    ['nothing', '', '`tls.ca` holds no certificate'],
    ['a private key', key, '`tls.ca` holds no certificate'],
    ['a second that is cut', `${first}\n${second.slice(0, 200)}`, 'certificate 2 of `tls.ca` cannot be read'],
    [
      'a second whose beginning is damaged',
      `${first}\n${second.replace('BEGIN', 'BEGN')}`,
      'a certificate of `tls.ca` has no beginning or no end',
    ],
  ])('refuses %s, which OpenSSL ignores', (_, bundle, problem) => {
    expect(() => assertAuthorities(bundle, 'tls.ca')).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem }))
  })
})

describe('assertClientCertificate', () => {
  it.each([
    ['nothing', {}],
    ['a key alone', { key }],
    ['a certificate alone', { cert: first }],
  ])('takes %s', (_, own) => {
    expect(() => assertClientCertificate(own)).not.toThrow()
  })

  it.each([
    ['a certificate and the key of another', { cert: first, key }],
    ['no PEM', { cert: 'hunter2' }],
  ])("refuses %s without showing them or OpenSSL's error", (_, own) => {
    const problem = '`tls.cert` and `tls.key` do not fit together, or are none'
    expect(() => assertClientCertificate(own)).toThrow(expect.objectContaining({ code: 'CONFIGURATION', problem }))
  })
})

it.each([
  ['TLSv1', 'TLSv1.2'],
  ['TLSv1.1', 'TLSv1.2'],
  ['TLSv1.2', 'TLSv1.2'],
  ['TLSv1.3', 'TLSv1.3'],
] as const)('the least version of TLS, where that of Node.js is %s, is %s', (usual, expected) => {
  const before = tls.DEFAULT_MIN_VERSION
  onTestFinished(() => void (tls.DEFAULT_MIN_VERSION = before))
  tls.DEFAULT_MIN_VERSION = usual
  expect(leastTlsVersion()).toBe(expected)
})
