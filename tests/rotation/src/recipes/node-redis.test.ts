import { createClient } from '@redis/client'
import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { rotatedRedis } from '../testing/rotated-redis.ts'
import { name } from '../testing/rotated-store.ts'
import { rotatingClient } from './node-redis.ts'

describeWithServer('redis', 'node-redis at Redis', () => suite(startRedis))
describeWithServer('valkey', 'node-redis at Valkey', () => suite(startValkey))

function suite(start: () => Promise<RedisServer>): void {
  let server: RedisServer
  beforeAll(async () => void (server = await start()))
  afterAll(() => server.stop())

  test('fails no command while the password is rotated and connections end', async () => {
    const { service, user, rotate, disconnect } = await rotatedRedis(server)
    const client = await rotatingClient(service, name, server.url, user)
    onTestFinished(() => client.destroy())
    for (let n = 0; n < 3; n += 1) {
      await rotate()
      expect(await client.ping()).toBe('PONG') // an open connection goes on
      // It may be connected again before anyone looks.
      const left = new Promise((resolve) => void client.once('reconnecting', resolve))
      await disconnect()
      await left
      expect(await client.set('key', String(n))).toBe('OK')
    }
  })

  test('logs in for the first time though its manager holds the former password', async () => {
    const { service, user, rotate } = await rotatedRedis(server)
    await rotate()
    const client = await rotatingClient(service, name, server.url, user)
    onTestFinished(() => client.destroy())
    expect(await client.ping()).toBe('PONG')
  })

  test('with a password that was read once is refused after a rotation', async () => {
    const { service, user, rotate } = await rotatedRedis(server)
    const password = await service.getSecret(name)
    await rotate()
    const client = createClient({ url: server.url, username: user, password, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await expect(client.connect()).rejects.toThrow('WRONGPASS')
  })
}
