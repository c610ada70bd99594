import type { AuditSink } from '@finchat/secrets-core'
import { type AuditSinkHarness, testAuditSink } from '@finchat/secrets-testkit'
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, test, vi } from 'vitest'
import { selfSigned } from './testing/self-signed.ts'
import { datagramServer, streamServer, type SyslogServer } from './testing/syslog-server.ts'
import { functionSink } from './sinks/function-sink.ts'
import { lineSink } from './sinks/line-sink.ts'
import { loggerSink } from './sinks/logger-sink.ts'
import { openTelemetrySink } from './sinks/open-telemetry-sink.ts'
import { syslogSink } from './syslog.ts'

// The clock by which a server that failed is left alone.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** What a sink is given to write to: it keeps each text, or refuses it. */
class Target {
  isBroken = false
  readonly texts: string[] = []

  take(text: string): void {
    if (this.isBroken) throw new Error('the target is broken')
    this.texts.push(text)
  }
}

function over(sinkOver: (target: Target) => AuditSink): () => Promise<AuditSinkHarness> {
  return async () => {
    const target = new Target()
    const breakSink = async (): Promise<() => Promise<void>> => {
      target.isBroken = true
      return async () => void (target.isBroken = false)
    }
    return { sink: sinkOver(target), arrived: async () => target.texts, breakSink, close: async () => undefined }
  }
}

/** What an application gives to OpenTelemetry's own logs. */
function processor(target: Target): LogRecordProcessor {
  const onEmit: LogRecordProcessor['onEmit'] = ({ body, attributes }) => target.take(JSON.stringify({ body, attributes }))
  return { onEmit, forceFlush: async () => undefined, shutdown: async () => undefined }
}

/** A stream that hands on each line at once. */
function lineStream(target: Target): { write: (text: string, done: () => void) => void } {
  return {
    write: (text, done) => {
      target.take(text)
      done()
    },
  }
}

/** What was acknowledged is on its way: it is waited for. */
function arriving(sink: AuditSink, server: Pick<SyslogServer, 'messages' | 'received'>): Pick<AuditSinkHarness, 'sink' | 'arrived'> {
  let acknowledged = 0
  const counted: AuditSink = {
    ...sink,
    write: async (record, context) => {
      await sink.write(record, context)
      acknowledged++
    },
  }
  const arrived = async (): Promise<readonly string[]> => {
    await server.received(acknowledged)
    return server.messages
  }
  return { sink: counted, arrived }
}

function overStream(format: 'json' | 'human', tls?: ReturnType<typeof selfSigned>): () => Promise<AuditSinkHarness> {
  return async () => {
    let server = await streamServer(tls && { tls })
    const to = { host: '127.0.0.1', port: server.port, format }
    const sink = tls ? syslogSink({ ...to, tls: { ca: tls.cert, servername: 'localhost' } }) : syslogSink({ ...to, transport: 'tcp' })
    const current: Pick<SyslogServer, 'messages' | 'received'> = {
      get messages() {
        return server.messages
      },
      received: (count) => server.received(count),
    }
    const breakSink = async (): Promise<() => Promise<void>> => {
      await server[Symbol.asyncDispose]()
      return async () => {
        server = await streamServer({ port: to.port, ...(tls && { tls }) })
        vi.advanceTimersByTime(250) // so long a server is left alone that failed once
      }
    }
    return { ...arriving(sink, current), breakSink, close: async () => server[Symbol.asyncDispose]() }
  }
}

async function overDatagrams(): Promise<AuditSinkHarness> {
  const server = await datagramServer()
  const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'udp' })
  return { ...arriving(sink, server), close: async () => server[Symbol.asyncDispose]() }
}

const harnesses: Readonly<Record<string, () => Promise<AuditSinkHarness>>> = {
  'lines for people': over((target) => lineSink({ stream: lineStream(target) })),
  'lines of JSON': over((target) => lineSink({ stream: lineStream(target), format: 'json' })),
  pino: over((target) => loggerSink(pino({}, { write: (text) => target.take(text) }))),
  'a function': over((target) => functionSink((record) => target.take(JSON.stringify(record)))),
  'OpenTelemetry logs': over((target) => openTelemetrySink(new LoggerProvider({ processors: [processor(target)] }).getLogger('secrets'))),
  'syslog over TCP': overStream('json'),
  'syslog over TCP, for people': overStream('human'),
  'syslog over TLS': overStream('json', selfSigned()),
  'syslog over UDP': overDatagrams,
}

describe.each(Object.entries(harnesses))('%s', (_name, createHarness) => {
  testAuditSink({ test, createHarness })
})
