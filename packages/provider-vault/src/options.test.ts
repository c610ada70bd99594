import { expect, test } from 'vitest'
import { appRole } from './auth/app-role.ts'
import { cert } from './auth/cert.ts'
import { tokenAuth } from './auth/token.ts'
import { checkedOptions, type VaultProviderOptions } from './options.ts'
import { vaultProvider } from './vault-provider.ts'

const url = 'https://vault.example:8200'
const pem = '-----BEGIN …'

function problemOf(options: unknown): string {
  try {
    checkedOptions(options as VaultProviderOptions) // what JavaScript lets pass
    return 'none'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

test.each([
  'https://vault.example',
  'https://vault.example:8200/',
  'https://proxy.example/vault',
  'http://127.0.0.1:8200',
  'http://127.1.2.3',
  'http://localhost:8200',
  'http://[::1]:8200',
])('%s is an address', (address) => {
  expect(problemOf({ url: address })).toBe('none')
})

test.each([
  '',
  'vault.example:8200',
  'ftp://vault.example',
  'https://user:c4n4ry@vault.example',
  'https://vault.example?c4n4ry',
  'https://vault.example#c4n4ry',
  7,
])('%s is none, and is not shown', (address) => {
  expect(problemOf({ url: address })).toMatch(/`url` is not the address of a Vault server|the option url/)
  expect(problemOf({ url: address })).not.toContain('c4n4ry')
})

test.each([
  'http://vault.example:8200',
  'http://10.0.0.1:8200',
  'http://127.0.0.1.example',
  'http://localhost.example',
  'http://vault.localhost:8200',
  'http://1270.0.0.1:80',
])('plain http to %s is refused unless it is allowed', (address) => {
  expect(problemOf({ url: address })).toMatch(/plain http to another machine|not the address/)
  if (URL.canParse(address)) expect(problemOf({ url: address, allowInsecureHttp: true })).toBe('none')
})

test('a misspelt or invalid option is CONFIGURATION', () => {
  const wrong: [object, RegExp][] = [
    [{}, /one of `url` and `client` must be given/],
    [{ url, client: { request: () => {} } }, /`url` and `client` are both given.*give only one/],
    [{ client: {} }, /`client` is no client/],
    [{ url, tokn: 'x' }, /"tokn" is not known/],
    [{ url, token: 'x' }, /"token" is not known/],
    [{ url, leased: 'database/creds' }, /`leased` is no list of paths/],
    [{ url, leased: ['database/creds/'] }, /`leased` is no list of paths/],
    [{ url, leased: ['database/../sys'] }, /`leased` is no list of paths/],
    [{ url, mount: 'secret/' }, /`mount` is malformed/],
    [{ url, mount: '../sys' }, /`mount` is malformed/],
    [{ url, namespace: 'a\r\nX-Forged: 1' }, /`namespace` is malformed/],
    [{ url, kvVersion: 3 }, /`kvVersion` is neither/],
    [{ url, timeoutMs: 0 }, /`timeoutMs`/],
    [{ url, timeoutMs: Number.NaN }, /`timeoutMs`/],
    [{ url, auth: 'hvs.c4n4ry' }, /`auth` is no way to log in/],
    [{ url, tls: { rejectUnauthorized: false } }, /"rejectUnauthorized" is not known/],
    [{ url, tls: { ca: 7 } }, /tls.ca is no credential/],
    [{ url, tls: { cert: pem } }, /`tls` has only one of cert and key/],
    [{ url, tls: { ca: '/etc/c4n4ry.pem' } }, /`tls.ca` is no PEM text.*give PEM text, or \{ file \}/],
    [{ url, tls: { cert: pem, key: 'c4n4ry' } }, /`tls.key` is no PEM text/],
    [{ url: 'http://127.0.0.1:8200', tls: { ca: { file: 'x' } } }, /`tls` is given, but `url` is http/],
    [{ url, auth: cert() }, /`cert\(\)` logs in with a client certificate.*give `tls.cert` and `tls.key`/],
    [{ url, tls: { key: pem } }, /`tls` has only one of cert and key/],
    [{ url: `${url}/v1` }, /`url` ends in \/v1/],
    [{ url: `${url}/v1/` }, /`url` ends in \/v1/],
  ]
  for (const [options, problem] of wrong) {
    expect(problemOf(options)).toMatch(problem)
    expect(problemOf(options)).not.toContain('c4n4ry')
  }
})

test.each([null, 7, {}, { file: '' }, { wrapped: null }])(
  'an invalid `secretId` is CONFIGURATION before anything is sent (%j)',
  (secretId) => {
    const make = (): unknown => appRole({ roleId: 'app', secretId: secretId as unknown as string }) // what JavaScript lets pass
    expect(make).toThrow(/`secretId(\.wrapped)?` is no credential/)
  },
)

test('what reaches the server otherwise needs no `tls` for a certificate, and plain http none at all', () => {
  const client = { request: async () => ({}) }
  expect(problemOf({ client, auth: cert() })).toBe('none')
  expect(problemOf({ url, auth: cert(), tls: { cert: { file: 'c' }, key: { file: 'k' }, passphrase: 'p' } })).toBe('none')
  expect(problemOf({ url: 'http://127.0.0.1:8200', tls: { ca: undefined } })).toBe('none')
})

test('names are placed, prefixed and refused as Vault can hold them', () => {
  const provider = vaultProvider({ url, auth: tokenAuth('hvs.a'), names: { TOKEN: 'finchat/token#token' }, prefix: 'prod/' })
  expect(provider.locate('TOKEN')).toEqual({ path: 'finchat/token', field: 'token' })
  expect(provider.locate('db')).toEqual({ path: 'prod/db' })
  expect(provider.locate('../db')).toBe(undefined)
})

test('equal stores are shared under equal names', () => {
  const sharedAs = (options: Partial<VaultProviderOptions>): string | undefined => vaultProvider({ url, ...options }).sharedAs
  expect(sharedAs({})).toBe(sharedAs({ url: `${url}/`, mount: 'secret' }))
  const others = [{ mount: 'kv' }, { namespace: 'a' }, { url: 'https://other.example' }, {}]
  expect(new Set(others.map(sharedAs)).size).toBe(4)
})
