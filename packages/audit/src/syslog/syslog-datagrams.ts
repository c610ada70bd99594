import type { Socket } from 'node:dgram'
import { unreachable } from './unreachable.ts'
import type { CheckedSyslogOptions, SyslogChannel } from './syslog-options.ts'

/**
 * UDP (RFC 5426), one message a datagram. A connected socket learns of a missing receiver, if the
 * network reports it.
 */
export async function openDatagrams({ host, port }: CheckedSyslogOptions, gone: () => void): Promise<SyslogChannel> {
  const { address, family } = await addressOf(host)
  const socket = process.getBuiltinModule('node:dgram').createSocket(family === 6 ? 'udp6' : 'udp4')
  await connected(socket, address, port)
  socket.once('close', gone)
  socket.on('error', () => void closed(socket))
  return {
    send: (message) => sent(socket, message),
    keepAlive: (needed) => void (needed ? socket.ref() : socket.unref()),
    end: async () => closed(socket),
  }
}

async function addressOf(host: string): Promise<{ readonly address: string; readonly family: number }> {
  try {
    return await process.getBuiltinModule('node:dns').promises.lookup(host)
  } catch (error) {
    throw unreachable(error)
  }
}

function connected(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.close()
      reject(unreachable(error))
    }
    socket.once('error', failed)
    socket.connect(port, address, () => {
      socket.off('error', failed)
      resolve()
    })
  })
}

function sent(socket: Socket, message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settled = (error: Error | null): void => (error === null ? resolve() : reject(unreachable(error)))
    try {
      socket.send(message, settled)
    } catch (error) {
      reject(unreachable(error)) // it was closed since
    }
  })
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve())
    } catch {
      resolve() // it was closed before
    }
  })
}
