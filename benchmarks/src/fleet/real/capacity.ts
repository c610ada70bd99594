// `pnpm fleet:capacity`: what one core of a cache server bears, by the processor time that it took.
import { keyvCache } from '@finchat/secrets-cache-keyv'
import type { SharedCache, SharedKey } from '@finchat/secrets-core'
import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { createClient } from '@redis/client'
import { markdownTable } from '../../harness/table.ts'
import { counted } from '../cells.ts'
import { cacheTimes } from './short-timeline.ts'

const connections = 20
const entries = 2_000
const rounds = 10
const encryptionKey = '0123456789abcdef'.repeat(4)
const context = { signal: new AbortController().signal }
const secret = { value: 'a secret of thirty-two characters', version: 1 }

async function cacheOver(url: string): Promise<SharedCache> {
  const client = await createClient({ url }).connect()
  client.on('error', () => {})
  const store = {
    get: async (key: string) => (await client.get(key)) ?? undefined,
    getMany: async (keys: string[]) => (await client.mGet(keys)).map((each) => each ?? undefined),
    set: async (key: string, value: string, ttl = 1) => (await client.set(key, value, { PX: ttl })) === 'OK',
    delete: async (key: string) => (await client.del(key)) === 1,
  }
  return keyvCache({ store, client, encryptionKey, ...cacheTimes })
}

async function info(server: RedisServer, section: string, field: string): Promise<number> {
  const text = String(await server.command('INFO', section))
  return Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(text)?.[1])
}

async function cpuSeconds(server: RedisServer): Promise<number> {
  return (await info(server, 'cpu', 'used_cpu_user')) + (await info(server, 'cpu', 'used_cpu_sys'))
}

function keyOf(n: number): SharedKey {
  return { sharedAs: 'store', path: `secret/${n}` }
}

/** Each connection has one call under way, as processes of a fleet have. */
async function eachInTurn(caches: readonly SharedCache[], run: (cache: SharedCache, n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async (cache: SharedCache): Promise<void> => {
    for (let n = next++; n < entries; n = next++) await run(cache, n)
  }
  await Promise.all(caches.map(work))
}

async function fillGap(cache: SharedCache, n: number): Promise<void> {
  const answer = await cache.read(keyOf(n), context)
  const now = Date.now()
  if ('leaseToken' in answer) await cache.fill(keyOf(n), answer.leaseToken, { secret, until: now + 600_000, askedAt: now }, context)
}

async function lineOf(title: string, server: RedisServer): Promise<string[]> {
  const caches = await Promise.all(Array.from({ length: connections }, () => cacheOver(server.url)))
  const [memory, start] = [await info(server, 'memory', 'used_memory'), await cpuSeconds(server)]
  await eachInTurn(caches, fillGap)
  const filled = await cpuSeconds(server)
  const bytes = ((await info(server, 'memory', 'used_memory')) - memory) / entries
  for (let round = 0; round < rounds; round += 1) await eachInTurn(caches, (cache, n) => cache.read(keyOf(n), context))
  const read = await cpuSeconds(server)
  return [title, counted(entries / (filled - start)), counted((entries * rounds) / (read - filled)), counted(bytes)]
}

async function main(): Promise<void> {
  const lines: string[][] = []
  for (const [title, start] of [
    ['Valkey 9.1', startValkey],
    ['Redis 6.2', startRedis],
  ] as const) {
    const server = await start()
    try {
      lines.push(await lineOf(title, server))
    } finally {
      await server.stop()
    }
  }
  console.log(markdownTable(['for one core', 'gaps filled a second', 'probes that hit, a second', 'bytes of an entry'], lines))
  process.exit() // the clients would connect again
}

void main()
