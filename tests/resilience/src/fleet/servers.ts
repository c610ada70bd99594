import { findServer, startRedis, startValkey, type RedisServer } from '@finchat/secrets-test-servers'
import type { Tally } from '../harness/fault-injection.ts'

export type ServerKind = 'redis' | 'valkey'
export const serverKinds: readonly ServerKind[] = ['redis', 'valkey']

/** Runs the work with a server of its own; where that cannot be had, says so. */
export async function withServer(kind: ServerKind, tally: Tally, work: (server: RedisServer) => Promise<void>): Promise<void> {
  const found = findServer(kind)
  if (!found.found) {
    tally.notRun.push(`${found.title}: ${found.reason}: ${found.remedy}`)
    return
  }
  const server = await (kind === 'redis' ? startRedis() : startValkey())
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}
