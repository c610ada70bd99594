import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireServer, store } from './find-server.ts'
import { onFreePort } from './free-port.ts'
import { httpCall } from './http-call.ts'
import { removeFolder, serverFolder, startProcess, waitUntilReady } from './server-process.ts'

const startUpProgram = fileURLToPath(new URL('../../../tests/servers/programs/moto_as_documented', import.meta.url))

export interface Moto {
  /** The endpoint of every service that moto has; any region, any credentials. */
  readonly url: string
  /** The file with its output. */
  readonly log: string
  readonly pid: number
  /** Forgets every secret of every region. */
  readonly reset: () => Promise<void>
  readonly signal: (name: NodeJS.Signals) => void
  readonly stop: () => Promise<void>
}

/**
 * Starts moto, an emulator of AWS in memory, with its Secrets Manager corrected to what AWS
 * documents; `isPlain`: as it is, which is what others use.
 */
export async function startMoto({ isPlain = false }: { readonly isPlain?: boolean } = {}): Promise<Moto> {
  const installed = requireServer('moto')
  return onFreePort(async (port) => {
    const folder = serverFolder('moto')
    try {
      return await startOn(port, installed, { folder, isPlain })
    } catch (error) {
      removeFolder(folder)
      throw error
    }
  })
}

interface Setup {
  readonly folder: string
  readonly isPlain: boolean
}

async function startOn(port: number, installed: string, { folder, isPlain }: Setup): Promise<Moto> {
  const url = `http://127.0.0.1:${port}`
  const env = { PYTHONPATH: installed, PYTHONPYCACHEPREFIX: join(store, 'pycache'), PYTHONUNBUFFERED: '1' }
  const args = [...(isPlain ? ['-m', 'moto.server'] : [startUpProgram]), '-H', '127.0.0.1', '-p', String(port)]
  // What chooses between several Pythons reads a file in each folder above; above the temporary one
  // it may be another user's.
  const server = await startProcess({ folder, program: 'python3', args, cwd: startUpProgram, env })
  await waitUntilReady('moto', server, /Running on/, async () => (await httpCall(`${url}/moto-api/data.json`)).status === 200)
  const reset = async (): Promise<void> => {
    const { status } = await httpCall(`${url}/moto-api/reset`, { method: 'POST' })
    if (status !== 200) throw new Error(`moto could not be reset: ${status}`)
  }
  const stop = async (): Promise<void> => {
    await server.end()
    removeFolder(folder)
  }
  return { url, log: server.log, pid: server.pid, reset, signal: server.signal, stop }
}
