import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import { listen } from './http-proxy.ts'
import { startOpenBao } from './openbao.ts'

export interface TlsProxy {
  readonly url: string
  /**
   * The environment in which a process trusts the proxy and offers versions of TLS from this one
   * on.
   */
  readonly clientEnvironment: (minVersion: '1.0' | '1.1' | '1.2' | '1.3') => Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

/**
 * Serves https in front of an http server, in versions of TLS up to `maxVersion`. Its certificate
 * is that of an OpenBao, so it needs that server.
 */
export async function startTlsProxy(target: string, maxVersion: SecureVersion): Promise<TlsProxy> {
  const { caFile = '', stop: stopOpenBao } = await startOpenBao({ tls: true })
  const [cert, key] = ['vault-cert.pem', 'vault-key.pem'].map((name) => readFileSync(join(dirname(caFile), name)))
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert, key, minVersion: 'TLSv1', maxVersion, ciphers: everyCipher }, (socket) => {
    sockets.add(socket)
    const upstream = connect(Number(new URL(target).port), '127.0.0.1')
    // A client that hangs up is what its test looks at.
    for (const each of [socket, upstream]) each.on('error', () => {})
    socket
      .on('close', () => sockets.delete(socket))
      .pipe(upstream)
      .pipe(socket)
  })
  const url = `https://127.0.0.1:${await listen(server)}`
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await stopOpenBao()
  }
  return { url, clientEnvironment: (minVersion) => environmentOf(minVersion, caFile), stop }
}

/** OpenSSL refuses TLS 1.0 and 1.1 at its usual security level. */
const everyCipher = 'DEFAULT@SECLEVEL=0'

function environmentOf(minVersion: string, caFile: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--tls-min-v${minVersion} --tls-cipher-list=${everyCipher}`, NODE_EXTRA_CA_CERTS: caFile }
}
