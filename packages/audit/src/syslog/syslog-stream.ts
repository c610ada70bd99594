import type { Socket } from 'node:net'
import { leastTlsVersion } from '@finchat/secrets-core/provider'
import { refused } from '../record/errors.ts'
import { unreachable } from './unreachable.ts'
import type { CheckedSyslogOptions, SyslogChannel } from './syslog-options.ts'

/**
 * Over TCP or TLS. Gives up a server that for `stallMs` neither accepts nor reads.
 */
export function openStream(options: CheckedSyslogOptions, gone: () => void, stallMs: number = 10_000): Promise<SyslogChannel> {
  return new Promise((resolve, reject) => {
    const socket = connecting(options)
    let [isOpen, failure]: [boolean, unknown] = [false, undefined]
    socket.once(options.transport === 'tls' ? 'secureConnect' : 'connect', () => {
      isOpen = true
      resolve(channelOver(socket))
    })
    socket.on('error', (error) => (failure = error))
    // A server only says good-bye: discard what it writes, and end when it does.
    socket.on('end', () => socket.destroy()).resume()
    socket.on('close', () => (isOpen ? gone() : reject(unreachable(failure))))
    socket.setTimeout(stallMs, () => void (!isOpen || socket.writableLength > 0 ? socket.destroy() : undefined))
  })
}

function connecting({ transport, host, port, tls }: CheckedSyslogOptions): Socket {
  const { connect: overTcp, isIP } = process.getBuiltinModule('node:net')
  if (transport === 'tcp') return overTcp({ host, port, noDelay: true, keepAlive: true })
  const { servername = isIP(host) ? undefined : host, ...material } = tls
  const { connect: overTls } = process.getBuiltinModule('node:tls')
  const named = servername === undefined ? {} : { servername }
  return overTls({ ...material, ...named, host, port, rejectUnauthorized: true, minVersion: leastTlsVersion() })
    .setNoDelay()
    .setKeepAlive(true)
}

function channelOver(socket: Socket): SyslogChannel {
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        socket.write(octetCounted(message), 'latin1', (error) => (error ? reject(broken(error)) : resolve()))
      }),
    keepAlive: (needed) => void (needed ? socket.ref() : socket.unref()),
    end: (signal) => ended(socket, signal),
  }
}

/** The framing of RFC 6587, section 3.4.1, and of RFC 5425: no message can end its frame. */
function octetCounted(message: string): string {
  return `${message.length} ${message}`
}

function ended(socket: Socket, signal: AbortSignal): Promise<void> {
  if (signal.aborted) socket.destroy()
  return new Promise((resolve) => {
    if (socket.closed) return resolve()
    const giveUp = (): void => void socket.destroy()
    signal.addEventListener('abort', giveUp, { once: true })
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    })
    if (!socket.destroyed) socket.ref().end(giveUp)
  })
}

function broken(failure: unknown): Error {
  return refused('the connection to the syslog server broke', 'see why it ends connections', failure)
}
