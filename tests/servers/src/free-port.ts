import { createServer } from 'node:net'
import { once } from 'node:events'
import { StartError } from './server-process.ts'

const given = new Set<number>()

/** A port on loopback that was free just now, and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await unusedPort()
    if (!given.has(port)) {
      given.add(port)
      return port
    }
  }
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

/**
 * Starts something on a free port, and again on another when somebody took that port in between.
 */
export function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  return onFreePorts(async () => start(await freePort()))
}

/** Like `onFreePort`, for what takes its free ports itself. */
export async function onFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start()
    } catch (error) {
      if (attempt === 5 || !(error instanceof StartError) || !error.portWasTaken) throw error
    }
  }
}
