import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis, startValkey, type RedisOptions, type RedisServer } from './redis.ts'
import { describeWithServer } from './vitest.ts'

describeWithServer('redis', 'Redis, as we start it', () => {
  suite(startRedis, /^redis_version:6\.2\./m)
})
describeWithServer('valkey', 'Valkey, as we start it', () => {
  suite(startValkey, /^valkey_version:9\.1\./m)
})

function suite(start: (options?: RedisOptions) => Promise<RedisServer>, version: RegExp): void {
  async function started(options?: RedisOptions): Promise<RedisServer> {
    const server = await start(options)
    onTestFinished(server.stop)
    return server
  }

  test('is the version that it is pinned to, holds what it is given, and is gone when it stops', async () => {
    const server = await started()
    expect(await server.command('INFO', 'server')).toMatch(version)
    expect(await server.command('GET', 'colour')).toBeNull()
    expect(await server.command('SET', 'colour', 'grün\r\n')).toBe('OK')
    expect(await server.command('GET', 'colour')).toBe('grün\r\n')
    expect(await server.command('MGET', 'colour', 'none')).toHaveLength(2)
    expect(await server.command('DEL', 'colour')).toBe(1)
    await expect(server.command('GET')).rejects.toThrow("ERR wrong number of arguments for 'get' command")
    await server.stop()
    await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(server.log)).toBe(false)
  })

  test('hangs and wakes up, is killed, and starts again on its port with nothing in it', async () => {
    const server = await started()
    await server.command('SET', 'colour', 'blue')
    server.signal('SIGSTOP')
    const reply = server.command('GET', 'colour')
    expect(await Promise.race([reply, sleep(100, 'silence')])).toBe('silence')
    server.signal('SIGCONT')
    expect(await reply).toBe('blue')
    const firstPid = server.pid()
    await server.kill()
    await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(await server.command('GET', 'colour')).toBeNull()
    expect(server.pid()).not.toBe(firstPid)
  })

  test('is full beyond maxmemory', async () => {
    const server = await started({ args: ['--maxmemory', '1'] })
    await expect(server.command('SET', 'colour', 'blue')).rejects.toThrow(/^OOM /)
  })

  test('gives users only the rights that they have', async () => {
    const server = await started()
    await server.command('ACL', 'SETUSER', 'app', 'on', '>wordpass', '~app:*', '+get')
    expect(await server.commandAs(['app', 'wordpass'], 'GET', 'app:colour')).toBeNull()
    await expect(server.commandAs(['app', 'wordpass'], 'GET', 'colour')).rejects.toThrow(/^NOPERM /)
    await expect(server.commandAs(['app', 'another'], 'GET', 'app:colour')).rejects.toThrow(/^WRONGPASS /)
  })

  test('shows everything that it holds', async () => {
    const server = await started()
    await server.command('SET', 'colour', 'blue '.repeat(100))
    const dump = await server.dump()
    expect([dump.includes('colour'), dump.includes('blue '.repeat(100))]).toEqual([true, true])
  })
}
