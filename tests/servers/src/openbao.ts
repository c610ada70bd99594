import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireServer } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { healthOf, openBaoApi, type OpenBaoApi } from './openbao-api.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady } from './server-process.ts'

export interface OpenBao {
  readonly url: string
  readonly rootToken: string
  /** Undoes `api('PUT', 'sys/seal')`: `api('PUT', 'sys/unseal', { key: unsealKey })`. */
  readonly unsealKey: string
  /**
   * With TLS: the PEM certificate of the private authority that signed the server's, and the file
   * it is in.
   */
  readonly ca?: string
  readonly caFile?: string
  /** The file with its output. */
  readonly log: string
  readonly pid: number
  readonly api: OpenBaoApi
  readonly signal: (name: NodeJS.Signals) => void
  readonly stop: () => Promise<void>
}

export interface OpenBaoOptions {
  /** Serve https, with a certificate for 127.0.0.1 and localhost of an authority of its own. */
  readonly tls?: boolean
  /** Further arguments of `bao server`. */
  readonly args?: readonly string[]
}

/**
 * Starts a development server: in memory, unsealed, KV v2 at `secret/`. Its data end with it;
 * `startRaftCluster` keeps data over a restart.
 */
export async function startOpenBao(options: OpenBaoOptions = {}): Promise<OpenBao> {
  const program = requireServer('openbao')
  return onFreePort(async (port) => {
    const folder = serverFolder('openbao')
    try {
      return await startOn(port, program, folder, options)
    } catch (error) {
      removeFolder(folder)
      throw error
    }
  })
}

async function startOn(port: number, program: string, folder: string, { tls = false, args = [] }: OpenBaoOptions): Promise<OpenBao> {
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const caFile = join(folder, 'vault-ca.pem')
  const rootToken = `root-${randomUUID()}`
  const dev = ['-dev', `-dev-root-token-id=${rootToken}`, '-dev-no-store-token', `-dev-listen-address=127.0.0.1:${port}`]
  const withTls = tls ? ['-dev-tls', `-dev-tls-cert-dir=${folder}`] : []
  const server = await startProcess({ folder, program, args: ['server', ...dev, ...withTls, ...args] })
  const readCa = (): string | undefined => (tls ? readFileSync(caFile, 'utf8') : undefined)
  await waitUntilReady('OpenBao', server, unsealKeyLine, async () => (await healthOf(url, readCa())) === 200)
  const ca = readCa()
  const api = openBaoApi(url, rootToken, ca)
  const stop = async (): Promise<void> => {
    await server.end()
    removeFolder(folder)
  }
  const { log, pid, signal } = server
  return { url, rootToken, unsealKey: unsealKeyIn(log), ...(ca && { ca, caFile }), log, pid, api, signal, stop }
}

/** Printed last of all, when it listens. */
const unsealKeyLine = /^Unseal Key: (\S+)$/m

function unsealKeyIn(log: string): string {
  return readFileSync(log, 'utf8').match(unsealKeyLine)?.[1] ?? ''
}
