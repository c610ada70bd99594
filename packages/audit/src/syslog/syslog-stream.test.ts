import { Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { streamServer, until } from '../testing/syslog-server.ts'
import { checkedSyslogOptions } from './syslog-options.ts'
import { openStream } from './syslog-stream.ts'

const shortMs = 100

describe('a stream to a syslog server', () => {
  it('is given up when the server takes nothing more, and what waits is refused', async () => {
    await using server = await streamServer()
    let isGone = false
    const options = checkedSyslogOptions({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    const channel = await openStream(options, () => (isGone = true), shortMs)
    await until(() => server.connections.length === 1)
    server.connections[0]?.pause()
    const refusals: unknown[] = []
    const waiting: Promise<unknown>[] = []
    while (waiting.length < 64) waiting.push(channel.send('x'.repeat(1024 * 1024)).catch((error: unknown) => refusals.push(error)))
    await Promise.all(waiting)
    expect(refusals[0]).toMatchObject({ code: 'AUDIT_FAILED', problem: 'the connection to the syslog server broke' })
    await until(() => isGone)
  })

  it('is not given up while nothing is to be sent', async () => {
    await using server = await streamServer()
    let isGone = false
    const options = checkedSyslogOptions({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    const channel = await openStream(options, () => (isGone = true), shortMs)
    const emitted = vi.spyOn(Socket.prototype, 'emit')
    await until(() => emitted.mock.calls.some(([event]) => event === 'timeout'))
    emitted.mockRestore()
    await channel.send('still here')
    await server.received(1)
    expect([isGone, server.messages]).toEqual([false, ['still here']])
    await channel.end(new AbortController().signal)
    expect(isGone).toBe(true)
  })

  it('is given up when the server does not let us in', async () => {
    await using server = await streamServer() // speaks no TLS, and waits for more
    const options = checkedSyslogOptions({ host: '127.0.0.1', port: server.port })
    const opening = openStream(options, () => undefined, shortMs)
    await expect(opening).rejects.toMatchObject({ code: 'AUDIT_FAILED', problem: 'the syslog server cannot be reached' })
  })

  it('ends at once when nobody waits for the end', async () => {
    await using server = await streamServer()
    const options = checkedSyslogOptions({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    const channel = await openStream(options, () => undefined)
    await until(() => server.connections.length === 1)
    server.connections[0]?.pause()
    const waiting = Array.from({ length: 64 }, () => channel.send('x'.repeat(1024 * 1024)).catch(() => 'refused'))
    await channel.end(AbortSignal.abort())
    expect(await waiting.at(-1)).toBe('refused')
  })
})
