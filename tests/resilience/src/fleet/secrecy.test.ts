import { generateKey } from '@finchat/secrets-cache-keyv'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, onTestFinished, test } from 'vitest'
import { type CacheServer, type ServerKind, serverKinds, startServer } from './servers.ts'
import { type Member, startMember } from './shared-fleet.ts'
import { TrialStore } from './trial-store.ts'

const name = 'payments/database-canary'
const value = 'correct-horse-battery-canary'

/**
 * How a text could lie in somebody's bytes: as it is, in hex, or in base64 from any of its three
 * offsets.
 */
function disguises(text: string): string[] {
  const bytes = Buffer.from(text)
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(4, -4),
  )
  const inUrls = base64.map((each) => each.replaceAll('+', '-').replaceAll('/', '_'))
  return [text, bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64, ...inUrls]
}

describeWithServer(serverKinds, 'what the cache server learns', () => {
  test.each(serverKinds)('%s holds no name and no value of a secret, in no encoding', async (kind) => {
    const server = await startedServer(kind)
    const [writer, reader] = [await member(kind, server.url), await member(kind, server.url)]
    await writer.secrets.storeSecret(name, value)
    expect([await reader.secrets.getSecret(name), await writer.secrets.getSecret(name)]).toEqual([value, value])
    await expect.poll(() => reader.shared.stats().fills + writer.shared.stats().fills, { timeout: 20_000 }).toBe(1)

    const dump = await server.dump()
    expect(dump.includes('fs1')).toBe(true)
    for (const text of [name, value, 'database-canary', 'trial-store']) {
      for (const disguise of disguises(text)) expect(dump.includes(disguise)).toBe(false)
    }
  })
})

test('the search would find what it looks for', () => {
  const found = (bytes: Buffer): boolean => disguises(value).some((disguise) => bytes.includes(disguise))
  const hidden = [`x${value}`, `xy${value}`, `xyz${value}`].map((text) => Buffer.from(text))
  for (const bytes of hidden) {
    for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) expect(found(Buffer.from(bytes.toString(encoding)))).toBe(true)
  }
  expect(found(Buffer.from('something else'))).toBe(false)
})

async function startedServer(kind: ServerKind): Promise<CacheServer> {
  const server = await startServer(kind)
  onTestFinished(server.stop)
  return server
}

const encryptionKey = generateKey()
const store = new TrialStore()

async function member(kind: ServerKind, url: string): Promise<Member> {
  const one = await startMember({
    kind,
    url,
    provider: store.provider(),
    ttlSeconds: 300,
    hasClient: true,
    listens: true,
    cache: { encryptionKey },
  })
  onTestFinished(one.close)
  return one
}
