import { expect, test } from 'vitest'
import { vaultUrl } from './url.ts'

test.each([
  ['https://vault.example', { text: 'https://vault.example', basePath: '', hostname: 'vault.example', port: '443', isSecure: true }],
  [
    'https://proxy.example:8200/vault/',
    { text: 'https://proxy.example:8200/vault', basePath: '/vault', hostname: 'proxy.example', port: '8200', isSecure: true },
  ],
  ['http://localhost', { text: 'http://localhost', basePath: '', hostname: 'localhost', port: '80', isSecure: false }],
  ['http://[::1]:8200/a', { text: 'http://[::1]:8200/a', basePath: '/a', hostname: '[::1]', port: '8200', isSecure: false }],
])('%s is split into the parts of a request', (text, parts) => {
  expect(vaultUrl(text, false)).toEqual(parts)
})

test.each(['https://vault.example/?', 'https://vault.example/#'])('%s has an empty query or fragment, which is left out', (text) => {
  expect(vaultUrl(text, false).text).toBe('https://vault.example')
})

test.each([
  'https://user@vault.example',
  'https://:c4n4ry@vault.example',
  'https://vault.example?a=1',
  'https://vault.example#a',
  'ftp://vault.example',
  'vault.example',
  new URL('https://vault.example'),
])('%s is not the address of a server', (text) => {
  expect(() => vaultUrl(text, true)).toThrow('`url` is not the address of a Vault server')
})

test('plain http to another machine must be allowed', () => {
  expect(() => vaultUrl('http://vault.example', false)).toThrow('plain http to another machine')
  expect(vaultUrl('http://vault.example', true)).toMatchObject({ port: '80', isSecure: false })
})

test.each(['http://127.0.0.1', 'http://127.255.255.254', 'http://localhost', 'http://[::1]'])('%s never leaves this machine', (text) => {
  expect(vaultUrl(text, false).isSecure).toBe(false)
})
