import { existsSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { httpCall } from './http-call.ts'
import { healthOf } from './openbao-api.ts'
import { startOpenBao } from './openbao.ts'
import { startTcpProxy } from './tcp-proxy.ts'
import { describeWithServer } from './vitest.ts'

describeWithServer('openbao', 'OpenBao, as we start it', () => {
  test('holds secrets, is sealed and unsealed, hangs and wakes up, and is gone when it stops', async () => {
    const server = await startOpenBao()
    onTestFinished(server.stop)
    await server.api('POST', 'secret/data/db', { data: { password: 'one' } })
    const read = (): Promise<unknown> => server.api('GET', 'secret/data/db')
    expect(await read()).toMatchObject({ data: { data: { password: 'one' } } })

    await server.api('PUT', 'sys/seal')
    await expect(read()).rejects.toThrow(/^GET secret\/data\/db: 503 /)
    await server.api('PUT', 'sys/unseal', { key: server.unsealKey })
    expect(await read()).toMatchObject({ data: { metadata: { version: 1 } } })

    server.signal('SIGSTOP')
    const hangs = (): Promise<void> => expect(httpCall(server.url, { timeoutMs: 100 })).rejects.toThrow('no answer within 100 ms')
    await vi.waitFor(hangs, 10_000) // a thread that runs may finish an answer first
    server.signal('SIGCONT')
    expect(await read()).toMatchObject({ data: { metadata: { version: 1 } } })

    await server.stop()
    await expect(read()).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(server.log)).toBe(false)
  })

  test('speaks https with a certificate of its own authority, through a proxy that counts the connections too', async () => {
    const server = await startOpenBao({ tls: true })
    onTestFinished(server.stop)
    const proxy = await startTcpProxy(server.url)
    onTestFinished(proxy.stop)
    expect(server.ca).toBe(readFileSync(server.caFile ?? '', 'utf8'))
    expect(await healthOf(proxy.url, server.ca)).toBe(200)
    await expect(healthOf(proxy.url)).rejects.toThrow(/certificate/)
    expect(proxy.connections()).toBe(2)
  })

  test('refuses the token of another', async () => {
    const [one, other] = await Promise.all([startOpenBao(), startOpenBao()])
    for (const { stop } of [one, other]) onTestFinished(stop)
    await expect(one.api('GET', 'auth/token/lookup-self', undefined, other.rootToken)).rejects.toThrow(/ 403 /)
  })
})
