import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { unhurried } from '../testing/sink-calls.ts'
import { checkedSyslogOptions, type SyslogChannel } from './syslog-options.ts'
import { SyslogLink } from './syslog-link.ts'

/** A server that is there or not, and can end what it let in. */
class FakeServer {
  isThere = true
  opened = 0
  readonly sent: string[] = []
  readonly kept: boolean[] = []
  end: () => void = () => undefined

  open(gone: () => void): Promise<SyslogChannel> {
    this.opened++
    if (!this.isThere) return Promise.reject(new Error('not there'))
    this.end = gone
    return Promise.resolve({
      send: async (message) => void this.sent.push(message),
      keepAlive: (needed) => void this.kept.push(needed),
      end: async () => gone(),
    })
  }
}

let server: FakeServer
let link: SyslogLink
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  vi.spyOn(Math, 'random').mockReturnValue(1) // the longest pause
  server = new FakeServer()
  link = new SyslogLink(checkedSyslogOptions({ host: 'logs.example.com' }), (_options, gone) => server.open(gone))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const send = (message: string): Promise<unknown> => link.send(message, unhurried).catch((error: unknown) => error)

describe('the link to a syslog server', () => {
  it('opens one channel for messages that come at once, and keeps their order', async () => {
    await Promise.all(['a', 'b', 'c'].map(send))
    expect([server.opened, server.sent]).toEqual([1, ['a', 'b', 'c']])
  })

  it('asks a server that is not there twice as rarely each time, up to half a minute', async () => {
    server.isThere = false
    const pauses: number[] = []
    for (let times = 0; times < 10; times++) {
      await send('lost')
      const { opened } = server
      let waited = 0
      while (server.opened === opened) {
        vi.advanceTimersByTime(250)
        waited += 250
        await send('lost')
      }
      server.opened = opened
      pauses.push(waited)
      vi.advanceTimersByTime(60_000)
    }
    expect(pauses.slice(0, 4)).toEqual([250, 1_000, 4_000, 16_000])
    expect(Math.max(...pauses)).toBe(30_000)
  })

  it('keeps nothing for a server that is not there, and goes on when it is back', async () => {
    server.isThere = false
    await send('lost')
    expect(await send('lost too')).toMatchObject({ code: 'AUDIT_FAILED' })
    server.isThere = true
    vi.advanceTimersByTime(250)
    await send('kept')
    expect(server.sent).toEqual(['kept'])
  })

  it('opens another channel at once when one ended that had lasted', async () => {
    await send('a')
    vi.advanceTimersByTime(250)
    server.end()
    await send('b')
    expect([server.opened, server.sent]).toEqual([2, ['a', 'b']])
  })

  it('leaves a server alone that throws us out at once', async () => {
    await send('a')
    server.end()
    expect(await send('b')).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(server.opened).toBe(1)
  })

  it('keeps the process alive only while something is to be sent', async () => {
    await send('a')
    await Promise.resolve()
    expect(server.kept.at(-1)).toBe(false)
    const sending = send('b')
    await Promise.resolve()
    expect(server.kept.at(-1)).toBe(true)
    await sending
    await Promise.resolve()
    expect(server.kept.at(-1)).toBe(false)
  })

  it('ends though the server never answers, when nobody waits for it any longer, and ends what opens later', async () => {
    const { promise: opening, resolve: open } = Promise.withResolvers<SyslogChannel>()
    const slow = new SyslogLink(checkedSyslogOptions({ host: 'logs.example.com' }), () => opening)
    void slow.send('a', unhurried)
    const giveUp = new AbortController()
    const closing = slow.close({ signal: giveUp.signal })
    giveUp.abort()
    await closing
    const end = vi.fn(async () => undefined)
    open({ send: async () => undefined, keepAlive: () => undefined, end })
    await vi.waitFor(() => expect(end).toHaveBeenCalledOnce(), { timeout: 20_000 })
    await slow.close({ signal: AbortSignal.abort() })
  })

  it('takes nothing after its end', async () => {
    await send('a')
    await link.close(unhurried)
    expect(await send('b')).toMatchObject({ problem: 'the sink is closed' })
    expect(server.sent).toEqual(['a'])
  })
})
