import { type RedisServer, startRedis, startValkey } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { rotatedRedis } from '../testing/rotated-redis.ts'
import { name } from '../testing/rotated-store.ts'
import { rotatingRedis } from './ioredis.ts'

describeWithServer('redis', 'ioredis at Redis', () => suite(startRedis))
describeWithServer('valkey', 'ioredis at Valkey', () => suite(startValkey))

function suite(start: () => Promise<RedisServer>): void {
  let server: RedisServer
  beforeAll(async () => void (server = await start()))
  afterAll(() => server.stop())

  /** Three rotations, each followed by the end of every connection and by ten commands at once. */
  const playWith = async (redis: Redis, { rotate, disconnect }: Awaited<ReturnType<typeof rotatedRedis>>): Promise<string[]> => {
    const answers: string[] = []
    for (let n = 0; n < 3; n += 1) {
      await rotate()
      expect(await redis.ping()).toBe('PONG') // an open connection goes on
      await disconnect()
      await expect.poll(() => redis.status).not.toBe('ready')
      answers.push(...(await Promise.all(Array.from({ length: 10 }, () => redis.set('key', n)))))
    }
    return answers
  }

  test('fails no command while the password is rotated and connections end', async () => {
    const rotated = await rotatedRedis(server)
    const { host, port } = server
    const redis = await rotatingRedis(rotated.service, name, { host, port, username: rotated.user })
    onTestFinished(() => redis.disconnect())
    expect(await playWith(redis, rotated)).toEqual(Array(30).fill('OK'))
  })

  test('with a password that was read once is refused after a rotation', async () => {
    const rotated = await rotatedRedis(server)
    const { host, port } = server
    const redis = new Redis({ host, port, username: rotated.user, password: await rotated.service.getSecret(name) })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    await expect(playWith(redis, rotated)).rejects.toThrow('WRONGPASS')
  })
}
