import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { generateKey, type SharedCacheReport } from '@finchat/secrets-cache-keyv'
import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type RedisKind, redisKinds } from './servers.ts'
import { type Member, startMember } from './shared-fleet.ts'
import { TrialStore } from './trial-store.ts'

/** All that a process needs, on keys and channels of one prefix. */
const leastCommands = ['+get', '+mget', '+set', '+del', '+unlink', '+publish', '+subscribe', '+unsubscribe']
const leastRights = ['resetkeys', '~fs1:*', 'resetchannels', '&fs1:*', '-@all', ...leastCommands]
/** `@keyv/valkey` puts words of its own before every key. */
const rightsOf: Readonly<Record<RedisKind, readonly string[]>> = { redis: leastRights, valkey: [...leastRights, '~namespace::fs1:*'] }

describeWithServer(['redis', 'valkey'], 'a user of the cache server with few rights', () => {
  test.each(redisKinds)('needs no others than these, and reaches nothing else (%s)', async (kind) => {
    const server = await serverWith(kind, rightsOf[kind])
    const [writer, reader] = [await member(kind, server), await member(kind, server)]
    await writer.secrets.storeSecret('database', 'value 1')
    expect(await reader.secrets.getSecret('database')).toBe('value 1')
    // What the reader is still to hear of the write may take the first answer from it.
    const fills = async (): Promise<number> => {
      await reader.secrets.getSecret('database')
      return reader.shared.stats().fills
    }
    await expect.poll(fills, patience).toBeGreaterThan(0)
    await writer.secrets.rotateSecret('database', 'value 2')
    await expect.poll(() => reader.secrets.getSecret('database'), patience).toBe('value 2')
    for (const { shared } of [writer, reader]) expect(shared.stats()).toMatchObject({ unavailable: 0, failures: noFailures })
    await expect(server.commandAs(['app', 'word'], 'GET', 'another')).rejects.toThrow(/^NOPERM /)
    await expect(server.commandAs(['app', 'word'], 'FLUSHALL')).rejects.toThrow(/^NOPERM /)
  })

  test.each(redisKinds)('fails no read where it lacks one, and warns the operator of a denial (%s)', async (kind) => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warnings.mockRestore())
    const server = await serverWith(kind, [...rightsOf[kind], '-set'])
    const reports = heardReports()
    const reader = await member(kind, server)
    const store = await member(kind, server, false)
    await expect(store.secrets.storeSecret('database', 'value 1')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'done' })
    expect(await reader.secrets.getSecret('database')).toBe('value 1')
    expect(reader.shared.stats().failures).toEqual({ ...noFailures, denied: expect.any(Number) })
    expect(reports).toContainEqual({ event: 'failed', reason: 'denied', namespace: '' })
    expect(warnings.mock.calls.map(([message]) => String(message)).join('\n')).toContain('its user lacks a right')
  })
})

const patience = { timeout: 20_000 }
const noFailures = { timeout: 0, denied: 0, full: 0, failed: 0 }
const encryptionKey = generateKey()
const store = new TrialStore()

async function serverWith(kind: RedisKind, rights: readonly string[]): Promise<RedisServer> {
  const server = await (kind === 'redis' ? startRedis() : startValkey())
  onTestFinished(server.stop)
  await server.command('ACL', 'SETUSER', 'app', 'on', '>word', ...rights)
  return server
}

/** It is patient: what is at stake is rights, and the machine may be busy. */
async function member(kind: RedisKind, { port }: RedisServer, listens = true): Promise<Member> {
  const url = `redis://app:word@127.0.0.1:${port}`
  const cache = { encryptionKey, timeoutMs: 10_000, waitMs: 10_000 }
  const one = await startMember({ kind, url, provider: store.provider(), ttlSeconds: 300, hasClient: true, listens, cache })
  onTestFinished(one.close)
  return one
}

function heardReports(): SharedCacheReport[] {
  const reports: SharedCacheReport[] = []
  const hear = (report: unknown): void => void reports.push(report as SharedCacheReport) // what this channel carries
  subscribe('finchat.secrets.shared', hear)
  onTestFinished(() => void unsubscribe('finchat.secrets.shared', hear))
  return reports
}
