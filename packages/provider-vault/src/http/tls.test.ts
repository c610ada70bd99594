import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { type OpenBao, startOpenBao, startTcpProxy } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { cert } from '../auth/cert.ts'
import { tokenAuth } from '../auth/token.ts'
import { canaries, codeOf, context, failure, stubVault, usualBody } from '../testing/stub-vault.ts'
import { type ServerTls, timedCall, tlsMaterial } from '@finchat/secrets-core/http'
import { httpTransport } from './transport.ts'
import { vaultUrl } from './url.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

describeWithServer('openbao', 'https with a private authority', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao({ tls: true })))
  afterAll(() => bao.stop())

  function providerAt(url: string, tls?: ServerTls): VaultProvider {
    const provider = vaultProvider({ url, tls, auth: tokenAuth(bao.rootToken) })
    onTestFinished(() => provider.close())
    return provider
  }

  test('1,000 reads cost one TLS handshake', async () => {
    const proxy = await startTcpProxy(bao.url)
    onTestFinished(proxy.stop)
    const provider = providerAt(proxy.url, { ca: bao.ca })
    await provider.put('app', { value: 'v1' }, context)
    for (let times = 0; times < 1000; times += 1) await provider.get('app', context)
    expect(proxy.connections()).toBe(1)
  })

  test('the authority may be a file, which is read at the first request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-vault-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'ca.pem')
    const provider = providerAt(bao.url, { ca: { file } })
    expect(await codeOf(provider.get('app', context))).toBe('CONFIGURATION')
    writeFileSync(file, bao.ca ?? '')
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })

  test('a source of `tls` that answers too late does not replace the connections', async () => {
    const proxy = await startTcpProxy(bao.url)
    onTestFinished(proxy.stop)
    const late = Promise.withResolvers<string>()
    const sources = [late.promise, Promise.resolve(bao.ca ?? '')]
    const transport = httpTransport(vaultUrl(proxy.url, false), { ca: async () => sources.shift() ?? '' })
    onTestFinished(transport.close)
    const request = { method: 'GET', path: 'sys/health', headers: {} } as const
    const within = (timeoutMs: number): Promise<unknown> =>
      timedCall({ timeoutMs, closing: new AbortController().signal }, (ended) => transport.exchange(request, ended))
    await expect(within(50)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    await within(60_000)
    late.resolve(bao.ca ?? '')
    await new Promise(setImmediate)
    await within(60_000)
    expect(proxy.connections()).toBe(1)
  })

  test('a server with an unverified identity gets no token, whatever the environment sets', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    vi.stubEnv('VAULT_SKIP_VERIFY', 'true')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { code, message, effect } = await failure(providerAt(bao.url).put('app', { value: 'v' }, context))
    expect([code, message, effect]).toEqual(['CONFIGURATION', expect.stringContaining('tls.ca'), undefined])
    expect(await codeOf(providerAt(bao.url, { ca: bao.ca, servername: 'another.example' }).get('app', context))).toBe('CONFIGURATION')
  })

  test('https and http that were mistaken for each other are CONFIGURATION', async () => {
    expect(await codeOf(providerAt(bao.url.replace('https', 'http')).get('app', context))).toBe('CONFIGURATION')
    const plain = await startOpenBao()
    onTestFinished(plain.stop)
    expect(await codeOf(providerAt(plain.url.replace('http', 'https')).get('app', context))).toBe('CONFIGURATION')
  })

  test.each<[string, (ca: string) => ServerTls, string]>([
    ['an authority that is none', () => ({ ca: pem(canaries.value) }), 'tls.ca'],
    ['an authority that is damaged', (ca) => ({ ca: ca.replace('MII', '***') }), 'tls.ca'],
    ['a second authority that is none', (ca) => ({ ca: `${ca}\n${pem(canaries.value)}` }), 'certificate 2 of `tls.ca`'],
    ['a second authority that is damaged', (ca) => ({ ca: `${ca}\n${ca.replace('MII', '***')}` }), 'certificate 2 of `tls.ca`'],
    ['a second authority that lacks a line', (ca) => ({ ca: `${ca}\n${ca.replace(/MII.*\n/, '')}` }), 'certificate 2 of `tls.ca`'],
    ['a third authority that is cut off', (ca) => ({ ca: `${ca}${ca}${ca.slice(0, 200)}` }), 'certificate 3 of `tls.ca`'],
    [
      'a third authority without its end',
      (ca) => ({ ca: `${ca}${ca}${ca.slice(0, ca.indexOf('-----END'))}` }),
      'certificate 3 of `tls.ca`',
    ],
    ['a first authority whose mark is damaged', (ca) => ({ ca: `${ca.slice(2)}${ca}` }), '`tls.ca`'],
    ['no authority', () => ({ ca: () => 'to be done' }), '`tls.ca` holds no certificate'],
    ['a key in place of the authority', () => ({ ca: aKey() }), '`tls.ca` holds no certificate'],
    [
      'a request in place of the authority',
      (ca) => ({ ca: ca.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST') }),
      '`tls.ca` holds no certificate',
    ],
    ['a certificate that is none', (ca) => ({ ca, cert: pem(canaries.value), key: aKey() }), 'tls.cert'],
    ['a key that is none', (ca) => ({ ca, cert: ca, key: pem(canaries.value) }), 'tls.key'],
    ['a key of another certificate', (ca) => ({ ca, cert: ca, key: aKey() }), 'tls.key'],
    ['a key whose passphrase is wrong', (ca) => ({ ca, cert: ca, key: aKey('right'), passphrase: canaries.value }), 'tls.passphrase'],
    ['a key whose passphrase is missing', (ca) => ({ ca, cert: ca, key: aKey('right') }), 'tls.passphrase'],
  ])('%s is CONFIGURATION, and nothing was written', async (_what, tlsWith, named) => {
    const { code, effect, message } = await failure(providerAt(bao.url, tlsWith(bao.ca ?? '')).put('app', { value: 'v' }, context))
    expect([code, effect, message]).toEqual(['CONFIGURATION', undefined, expect.stringContaining(named)])
  })

  test('each authority of a bundle is trusted, with remarks and other line ends between them', async () => {
    const other = await startOpenBao({ tls: true })
    onTestFinished(other.stop)
    const bundle = `# ours\r\n${bao.ca?.replaceAll('\n', '\r\n')}# theirs\n${other.ca?.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')}\nthat is all\n`
    expect(await codeOf(providerAt(bao.url, { ca: bundle }).checkHealth(context))).toBe('ok')
    const provider = vaultProvider({ url: other.url, tls: { ca: bundle }, auth: tokenAuth(other.rootToken) })
    onTestFinished(() => provider.close())
    expect(await codeOf(provider.checkHealth(context))).toBe('ok')
  })

  test('a failed connection names its cause and its remedy', async () => {
    await bao.api('POST', 'sys/mounts/authority', { type: 'pki', config: { max_lease_ttl: '87600h' } })
    const root = await bao.api<Issued>('POST', 'authority/root/generate/internal', { common_name: 'servers', ttl: '87600h' })
    await bao.api('POST', 'authority/roles/server', {
      allow_any_name: true,
      allow_ip_sans: true,
      enforce_hostnames: false,
      max_ttl: '80000h',
    })
    const issued = async (times: Readonly<Record<string, string>> = {}): Promise<ServerOptions> => {
      const about = { common_name: 'localhost', ip_sans: '127.0.0.1', ...times }
      const { data } = await bao.api<Issued>('POST', 'authority/issue/server', about)
      return { cert: data.certificate, key: data.private_key }
    }
    const ca = root.data.certificate
    const good = await issued()
    const inAYear = { not_before: new Date(Date.now() + 365 * 86_400_000).toISOString(), ttl: '70000h' }
    const said = async (options: ServerOptions): Promise<string> => {
      const server = createServer(options, (_request, response) => response.end())
      onTestFinished(() => void server.close())
      const { code, message } = await failure(providerAt(`https://127.0.0.1:${await listening(server)}`, { ca }).get('app', context))
      return `${code} ${message}`
    }
    expect(await said(await issued(inAYear))).toMatch(/^UNAVAILABLE .*certificate is not valid yet \(set this machine's clock right/)
    const wanting = { ...good, requestCert: true, rejectUnauthorized: true, ca }
    expect(await said(wanting)).toMatch(/^CONFIGURATION .*wants a client certificate that it trusts \(give one as `tls.cert`/)
    expect(await said({ ...wanting, maxVersion: 'TLSv1.2' })).toMatch(/^CONFIGURATION .*if it wants a client certificate, give `tls.cert`/)
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    expect(await said({ ...good, ...old })).toMatch(/^CONFIGURATION .*let it speak TLS 1.2 or 1.3/)
    const breaking = createServer(good, (_request, response) => response.socket?.destroy())
    onTestFinished(() => void breaking.close())
    const transport = httpTransport(vaultUrl(`https://127.0.0.1:${await listening(breaking)}`, false), { ca })
    onTestFinished(transport.close)
    const request = { method: 'POST', path: 'secret/data/app', body: '{}', headers: {} } as const
    const sent = transport.exchange(request, new AbortController().signal)
    await expect(sent).rejects.toMatchObject({ code: 'UNAVAILABLE', sent: true }) // after the handshake
  })

  test.each([
    'SSH-2.0-OpenSSH_9.9\r\n',
    "-ERR wrong number of arguments for 'get' command\r\n",
    '\u0000\u0000\u0006\u0004\u0000\u0000\u0000',
  ])('a port that speaks no HTTP is CONFIGURATION: %j', async (bytes) => {
    const server = createNetServer((socket) => void socket.on('error', () => {}).once('data', () => socket.write(bytes)))
    onTestFinished(() => void server.close())
    const port = await listening(server)
    const { code, message } = await failure(providerAt(`http://127.0.0.1:${port}`).get('app', context))
    expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining('speaks no HTTP on this port (correct the port')])
    const secure = await failure(providerAt(`https://127.0.0.1:${port}`).get('app', context))
    expect([secure.code, secure.message]).toEqual(['CONFIGURATION', expect.stringContaining('speaks no TLS on this port')])
  })

  test('a client certificate logs in', async () => {
    const client = await clientAuthority(bao)
    await trustClients(bao, client.authority, 'app.example')
    const tls = { ca: bao.ca, ...(await client.issue('app.example')) }
    const provider = vaultProvider({ url: bao.url, tls, auth: cert({ role: 'app' }) })
    onTestFinished(() => provider.close())
    expect(await codeOf(provider.get('app', context))).toBe('ok')
    const login = { path: 'auth/cert/login', body: {} }
    const without = vaultProvider({ url: bao.url, tls: { ca: bao.ca }, auth: { method: 'own', prepare: async () => login } })
    onTestFinished(() => without.close())
    expect(await codeOf(without.get('app', context))).toBe('UNAUTHENTICATED')
  })

  test('the next login uses a rotated client certificate, though connections of the former one are open', async () => {
    const client = await clientAuthority(bao)
    const files = certificateFiles()
    files.write(await client.issue('first.example'))
    await trustClients(bao, client.authority, 'first.example')
    const provider = vaultProvider({ url: bao.url, tls: { ca: bao.ca, ...files.sources }, auth: cert({ role: 'app' }) })
    onTestFinished(() => provider.close())
    expect(await codeOf(provider.get('app', context))).toBe('ok')
    await trustClients(bao, client.authority, 'second.example')
    files.write(await client.issue('second.example'))
    await bao.api('POST', 'sys/leases/revoke-prefix/auth/cert', {})
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })

  test('a rotated client certificate logs in, although Vault refused the former one', async () => {
    const client = await clientAuthority(bao)
    const files = certificateFiles()
    files.write(await client.issue('first.example'))
    await trustClients(bao, client.authority, 'second.example')
    const provider = vaultProvider({ url: bao.url, tls: { ca: bao.ca, ...files.sources }, auth: cert({ role: 'app' }) })
    onTestFinished(() => provider.close())
    for (const _ of [1, 2]) expect(await codeOf(provider.get('app', context))).toBe('UNAUTHENTICATED')
    files.write(await client.issue('second.example'))
    expect(await codeOf(provider.get('app', context))).toBe('ok')
  })

  test('the next connection uses a rotated client certificate, and an unreadable one leaves the former in use', async () => {
    const client = await clientAuthority(bao)
    const names: string[] = []
    const own = await client.issue('localhost', { ip_sans: '127.0.0.1' })
    const server = createServer({ ...own, ca: client.authority, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      const { socket } = request as { socket: unknown } as { socket: TLSSocket } // of https
      names.push(String(socket.getPeerCertificate().subject.CN))
      response.end(JSON.stringify(usualBody(request.url ?? '')))
    })
    onTestFinished(() => void server.close())
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warnings.mockRestore())
    const files = certificateFiles()
    const [first, second] = [await client.issue('first.example'), await client.issue('second.example')]
    files.write(first)
    const tls = { ca: client.authority, ...files.sources }
    const provider = vaultProvider({ url: `https://127.0.0.1:${await listening(server)}`, tls, auth: tokenAuth('the-token'), kvVersion: 2 })
    onTestFinished(() => provider.close())
    const seen = async (): Promise<readonly string[]> => {
      names.length = 0
      expect(await codeOf(provider.get('app', context))).toBe('ok')
      return [...new Set(names)]
    }
    expect(await seen()).toEqual(['first.example'])
    files.write({ cert: second.cert, key: first.key }) // half of a rotation
    expect(await seen()).toEqual(['first.example'])
    expect(warnings).not.toHaveBeenCalled()
    for (const _ of [1, 2]) {
      server.closeIdleConnections()
      expect(await seen()).toEqual(['first.example'])
    }
    expect(warnings.mock.calls).toEqual([
      [expect.stringContaining('do not belong together'), expect.objectContaining({ code: 'FINCHAT_SECRETS_TLS_NOT_RENEWED' })],
    ])
    files.write(second)
    expect(await seen()).toEqual(['first.example']) // the connection is open
    server.closeIdleConnections()
    expect(await seen()).toEqual(['second.example'])
    expect(await seen()).toEqual(['second.example'])
  })
})

interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

interface ClientAuthority {
  readonly authority: string
  readonly issue: (commonName: string, details?: Readonly<Record<string, string>>) => Promise<ClientCertificate>
}

let authorities = 0

/** An authority of its own, which issues certificates for clients and servers. */
async function clientAuthority(bao: OpenBao): Promise<ClientAuthority> {
  const mount = `clients-${(authorities += 1)}`
  await bao.api('POST', `sys/mounts/${mount}`, { type: 'pki' })
  const { data } = await bao.api<Issued>('POST', `${mount}/root/generate/internal`, { common_name: 'clients', ttl: '1h' })
  await bao.api('POST', `${mount}/roles/app`, {
    allow_any_name: true,
    enforce_hostnames: false,
    allow_ip_sans: true,
    client_flag: true,
    server_flag: true,
  })
  return {
    authority: data.certificate,
    issue: async (commonName, details) => {
      const about = { common_name: commonName, ttl: '10m', ...details }
      const issued = await bao.api<Issued>('POST', `${mount}/issue/app`, about)
      return { cert: issued.data.certificate, key: issued.data.private_key }
    },
  }
}

/** Lets certificates of this authority and name log in. */
async function trustClients(bao: OpenBao, authority: string, name: string): Promise<void> {
  await bao.api('POST', 'sys/auth/cert', { type: 'cert' }).catch(() => {}) // it may be there
  await bao.api('PUT', 'sys/policies/acl/reader', { policy: 'path "secret/*" { capabilities = ["read"] }' })
  await bao.api('POST', 'auth/cert/certs/app', { certificate: authority, allowed_common_names: name, token_policies: 'reader' })
}

/** Files of a client's certificate and key, and what writes them. */
function certificateFiles(): { readonly sources: ServerTls; readonly write: (certificate: ClientCertificate) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-vault-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [certificateFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
  return {
    sources: { cert: { file: certificateFile }, key: { file: keyFile } },
    write: (certificate) => {
      writeFileSync(certificateFile, certificate.cert)
      writeFileSync(keyFile, certificate.key)
    },
  }
}

test('a source of `tls` that hangs holds up one call, and the next asks it again', async () => {
  let asked = 0
  const ca = (): Promise<string> | string => ((asked += 1) === 1 ? new Promise<string>(() => {}) : pem('none'))
  const { exchange } = httpTransport(vaultUrl('https://127.0.0.1:1', false), { ca })
  const request = { method: 'GET', path: 'secret/data/app', headers: {} } as const
  const within = (timeoutMs: number, signal?: AbortSignal): Promise<unknown> =>
    timedCall({ timeoutMs, signal, closing: new AbortController().signal }, (ended) => exchange(request, ended))
  const controller = new AbortController()
  const calls = [within(60_000, controller.signal), within(50)]
  controller.abort()
  await expect(calls[0]).rejects.toMatchObject({ code: 'ABORTED' })
  calls.push(within(50)) // joins: a caller that gave up does not start the source again
  for (const late of calls.slice(1)) await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(asked).toBe(1)
  await expect(within(60_000)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  expect(asked).toBe(2)
})

test('a call that waited for an earlier source of `tls` leaves a later one alone', async () => {
  const ca = vi.fn<() => Promise<string>>(() => new Promise(() => {}))
  const { exchange } = httpTransport(vaultUrl('https://127.0.0.1:1', false), { ca })
  const closing = new AbortController()
  const request = { method: 'GET', path: 'secret/data/app', headers: {} } as const
  const within = (timeoutMs: number): Promise<unknown> =>
    timedCall({ timeoutMs, closing: closing.signal }, (ended) => exchange(request, ended))
  const earlier = [within(50), within(100)]
  await expect(earlier[0]).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  const later = [within(60_000)]
  await expect(earlier[1]).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  later.push(within(60_000))
  closing.abort()
  for (const call of later) await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  expect(ca).toHaveBeenCalledTimes(2)
})

test('a source of `tls` that fails keeps its own code, and one that has nothing is CONFIGURATION', async () => {
  const { signal } = new AbortController()
  const failing = (): string => {
    throw new Error(canaries.value)
  }
  await expect(tlsMaterial({ ca: failing }, signal)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(tlsMaterial({ ca: () => '' }, signal)).rejects.toMatchObject({ code: 'CONFIGURATION', problem: 'tls.ca is empty' })
})

test('plain http reads nothing of `tls`', async () => {
  const stub = await stubVault()
  const ca = vi.fn<() => string>()
  const transport = httpTransport(vaultUrl(stub.url, false), { ca })
  onTestFinished(transport.close)
  const request = { method: 'GET', path: 'secret/data/app', headers: {} } as const
  await expect(transport.exchange(request, new AbortController().signal)).resolves.toMatchObject({ status: 200 })
  expect(ca).not.toHaveBeenCalled()
})

interface Issued {
  readonly data: { readonly certificate: string; readonly private_key: string }
}

/** The port, a free one of loopback. */
async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // of a server that listens on TCP
}

/** What looks like PEM, and is none. */
function pem(text: string): string {
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`
}

function aKey(passphrase?: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return String(privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }))
}
