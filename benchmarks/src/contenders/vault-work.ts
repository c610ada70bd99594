// What every contender of the group does, each in its own way.
import { readFileSync } from 'node:fs'
import { inFlight, timed } from '../harness/measure.ts'
import type { Running, Sample, Task } from '../harness/scenario.ts'

/**
 * More than are read at any time, so that no two reads of one secret meet: ours would join them.
 */
export const secretPaths: readonly string[] = Array.from({ length: 512 }, (_, index) => `app/secret-${index}`)

export interface Server {
  readonly url: string
  readonly token: string
  readonly caFile: string | undefined
}

export type ReadSecret = (path: string) => Promise<unknown>

export function serverOf({ setting }: Task): Server {
  return { url: String(setting['url']), token: String(setting['token']), caFile: setting['caFile'] }
}

export function caOf({ caFile }: Server): string | undefined {
  return caFile === undefined ? undefined : readFileSync(caFile, 'utf8')
}

/** Thousands of reads, 64 at any time. */
export function crowd({ scale }: Task, calls: number, read: ReadSecret): Promise<Sample> {
  const reads = Math.ceil(calls * scale)
  return timed(reads, 'µs', () => inFlight(reads, 64, (index) => read(pathAt(index))))
}

/** How many connections, each with its TLS handshake, 1,000 reads need one after another. */
export function handshakes(task: Task, reader: (server: Server) => ReadSecret): Running {
  return {
    round: async () => {
      const { startTcpProxy } = await import('@finchat/secrets-test-servers') // no other contender loads it
      const server = serverOf(task)
      const proxy = await startTcpProxy(server.url)
      const read = reader({ ...server, url: proxy.url })
      for (let index = 0; index < Math.ceil(1_000 * task.scale); index += 1) await read(pathAt(index))
      return { handshakes: proxy.connections() }
    },
  }
}

function pathAt(index: number): string {
  return secretPaths[index % secretPaths.length] ?? ''
}
