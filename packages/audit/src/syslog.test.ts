import { execFile } from 'node:child_process'
import nodeTls from 'node:tls'
import { inspect, promisify } from 'node:util'
import { SecretsError } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { aRecord, hostileTexts } from './testing/sample-records.ts'
import { selfSigned } from './testing/self-signed.ts'
import { close, write } from './testing/sink-calls.ts'
import { datagramServer, streamServer, type SyslogServer, until } from './testing/syslog-server.ts'
import { syslogSink } from './syslog.ts'

/** The clock by which a server that failed is left alone, and for how long it is at first. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())
const pauseMs = 250

const records = hostileTexts.map((name, index) => aRecord({ name, seq: index + 1 }))
const sequencesOf = (messages: readonly string[]): number[] => messages.map((message) => Number(/sequenceId="(\d+)"/.exec(message)?.[1]))

describe('syslog over TCP', () => {
  it('delivers every record as a frame of its own, in order', async () => {
    await using server = await streamServer()
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    await Promise.all(records.map((record) => write(sink, record)))
    await server.received(records.length)
    expect(sequencesOf(server.messages)).toEqual(records.map(({ seq }) => seq))
    expect(server.connections).toHaveLength(1)
    await close(sink)
  })

  it('refuses at once while there is no server, keeps nothing, and connects by itself when there is one', async () => {
    const gone = await streamServer()
    await gone[Symbol.asyncDispose]()
    const sink = syslogSink({ host: '127.0.0.1', port: gone.port, transport: 'tcp' })
    await expect(write(sink, aRecord({ seq: 1 }))).rejects.toMatchObject({ code: 'AUDIT_FAILED', storeStatus: 'ECONNREFUSED' })
    await expect(write(sink, aRecord({ seq: 2 }))).rejects.toThrow(/could not be reached a moment ago/)
    await using server = await streamServer({ port: gone.port })
    vi.advanceTimersByTime(pauseMs)
    await write(sink, aRecord({ seq: 3 }))
    await server.received(1)
    expect(sequencesOf(server.messages)).toEqual([3])
    await close(sink)
  })

  it('connects anew with the next record after the server ended the connection', async () => {
    await using server = await streamServer()
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    await write(sink, aRecord({ seq: 1 }))
    await server.received(1)
    vi.advanceTimersByTime(pauseMs) // a server that throws us out sooner is left alone
    server.connections[0]?.end()
    await until(() => server.connections[0]?.closed === true)
    await new Promise((resolve) => setImmediate(resolve))
    await write(sink, aRecord({ seq: 2 }))
    await server.received(2)
    expect(server.connections).toHaveLength(2)
    await close(sink)
  })

  it('holds no more than it may for a server that stands still', async () => {
    await using server = await streamServer()
    const bounds = { maxMessageBytes: 262_144, maxWaitingBytes: 262_144 }
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'tcp', ...bounds })
    await write(sink, aRecord())
    await server.received(1)
    server.connections[0]?.pause()
    const refusals: unknown[] = []
    while (refusals.length === 0) {
      write(sink, aRecord({ name: 'x'.repeat(200_000) })).catch((error: unknown) => refusals.push(error))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(refusals[0]).toMatchObject({ code: 'AUDIT_FAILED', problem: 'too much waits to be sent' })
    await sink.close?.({ signal: AbortSignal.timeout(50) })
  })

  it('sends nothing for which nobody waits any longer', async () => {
    await using server = await streamServer()
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    const impatient = new AbortController()
    const given = sink.write(aRecord({ seq: 1 }), { signal: impatient.signal })
    impatient.abort()
    await expect(given).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await write(sink, aRecord({ seq: 2 }))
    await server.received(1)
    expect(sequencesOf(server.messages)).toEqual([2])
    await close(sink)
  })

  it('sends what it acknowledged before it closes, and takes nothing after', async () => {
    await using server = await streamServer()
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'tcp' })
    await Promise.all(records.map((record) => write(sink, record)))
    await close(sink)
    await close(sink)
    await server.received(records.length)
    await expect(write(sink, aRecord())).rejects.toThrow(/the sink is closed/)
  })

  it('closes, though no record was ever written', async () => {
    const sink = syslogSink({ host: '127.0.0.1', transport: 'tcp' })
    await expect(close(sink)).resolves.toBeUndefined()
  })
})

describe('syslog over TLS', () => {
  const identity = selfSigned()
  let server: SyslogServer
  beforeAll(async () => void (server = await streamServer({ tls: identity })))
  afterAll(() => server[Symbol.asyncDispose]())

  it('delivers to a server whose certificate is trusted and has its name', async () => {
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, tls: { ca: identity.cert, servername: 'localhost' } })
    await Promise.all(records.map((record) => write(sink, record)))
    await close(sink)
    await server.received(records.length)
    expect(sequencesOf(server.messages)).toEqual(records.map(({ seq }) => seq))
  })

  it.each([
    ['is signed by nobody whom we trust', undefined, 'localhost', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['is of another server', identity.cert, 'other.example', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('sends nothing to a server whose certificate %s', async (_what, ca, servername, storeStatus) => {
    const before = server.messages.length
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, tls: { ca, servername } })
    await expect(write(sink, aRecord())).rejects.toMatchObject({ code: 'AUDIT_FAILED', storeStatus })
    expect(server.messages).toHaveLength(before)
  })

  it('takes a bundle with remarks, other line ends and an older mark', async () => {
    const alias = identity.cert.replaceAll('CERTIFICATE', 'X509 CERTIFICATE').replaceAll('\n', '\r\n')
    const tls = { ca: `# theirs\r\n${alias}# ours\n${identity.cert}that is all\n`, servername: 'localhost' }
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, tls })
    await expect(write(sink, aRecord())).resolves.toBeUndefined()
    await close(sink)
  })

  const bundles: readonly (readonly [string, (cert: string) => string, string])[] = [
    ['a second certificate that is none', (cert) => `${cert}-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----`, 'certificate 2'],
    ['a second certificate that is damaged', (cert) => cert + cert.replace('\nMI', '\n**'), 'certificate 2'],
    ['a third certificate that is cut off', (cert) => cert + cert + cert.slice(0, 200), 'certificate 3'],
    ['a certificate whose mark is damaged', (cert) => cert.slice(2) + cert, 'no beginning or no end'],
    ['no certificate', () => selfSigned().key, 'holds no certificate'],
    ['a request in its place', (cert) => cert.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'holds no certificate'],
  ]
  it('connects to no server below TLS 1.3 if Node.js is started with --tls-min-v1.3', async () => {
    const before = nodeTls.DEFAULT_MIN_VERSION
    onTestFinished(() => void (nodeTls.DEFAULT_MIN_VERSION = before))
    nodeTls.DEFAULT_MIN_VERSION = 'TLSv1.3'
    await using old = await streamServer({ tls: { ...identity, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } })
    const sink = syslogSink({ host: '127.0.0.1', port: old.port, tls: { ca: identity.cert, servername: 'localhost' } })
    await expect(write(sink, aRecord())).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    expect(old.messages).toEqual([])
  })

  it.each(bundles)('refuses a `tls.ca` with %s', (_what, bundleOf, problem) => {
    const refusal = thrownBy(() => syslogSink({ host: 'h', tls: { ca: bundleOf(identity.cert) } }))
    expect(refusal).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining(problem) })
  })

  it('is what is used unless another transport is named', async () => {
    await using plain = await streamServer()
    const sink = syslogSink({ host: '127.0.0.1', port: plain.port })
    const writing = write(sink, aRecord()).catch((error: unknown) => error)
    await until(() => plain.connections.length === 1)
    plain.connections[0]?.destroy()
    expect(await writing).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(plain.messages).toEqual([])
  })
})

describe('syslog over UDP', () => {
  it('sends every record as a datagram of its own', async () => {
    await using server = await datagramServer()
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, transport: 'udp' })
    for (const record of records) await write(sink, record)
    await server.received(records.length)
    expect(sequencesOf(server.messages).toSorted((a, b) => a - b)).toEqual(records.map(({ seq }) => seq))
    await close(sink)
    await close(sink)
  })

  it('refuses when the host is none', async () => {
    const sink = syslogSink({ host: 'no host at all', transport: 'udp' })
    await expect(write(sink, aRecord())).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await close(sink)
  })

  it('lives on when there is nobody at the other end', async () => {
    const gone = await datagramServer()
    await gone[Symbol.asyncDispose]()
    const sink = syslogSink({ host: '127.0.0.1', port: gone.port, transport: 'udp' })
    const outcomes: unknown[] = []
    for (let count = 0; count < 20; count++) {
      outcomes.push(await write(sink, aRecord()).catch((error: unknown) => error))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(outcomes.filter((outcome) => outcome !== undefined && !SecretsError.isInstance(outcome))).toEqual([])
    await close(sink)
  })
})

describe('a syslog sink', () => {
  it('does not keep a process alive that has nothing to send', async () => {
    await using server = await streamServer()
    const source = new URL('syslog.ts', import.meta.url).href
    const code = `
      const { syslogSink } = await import(${JSON.stringify(source)})
      const sink = syslogSink({ host: '127.0.0.1', port: ${server.port}, transport: 'tcp' })
      await sink.write(${JSON.stringify(aRecord())}, { signal: new AbortController().signal })`
    await promisify(execFile)(process.execPath, ['--conditions=@finchat/source', '--input-type=module', '--eval', code])
    await server.received(1)
    expect(sequencesOf(server.messages)).toEqual([1])
  })

  it.each(['tls', 'tcp', 'udp'] as const)('is never durable, over %s either', (transport) => {
    expect(syslogSink({ host: 'logs.example.com', transport }).durable).toBe(false)
  })

  it('refuses options that make no sense', () => {
    // @ts-expect-error what a caller without types may write
    expect(() => syslogSink({})).toThrow(/`host` is missing/)
    // @ts-expect-error what a caller without types may write
    expect(() => syslogSink({ host: 'h', transport: 'relp' })).toThrow(/use tls, tcp or udp/)
    // @ts-expect-error what a caller without types may write
    expect(() => syslogSink({ host: 'h', tls: { rejectUnauthorized: false } })).toThrow(/rejectUnauthorized/)
    expect(() => syslogSink({ host: 'h', transport: 'tcp', tls: {} })).toThrow(/transport: 'tls'/)
    expect(() => syslogSink({ host: 'h', port: 0 })).toThrow(/`port`/)
    expect(() => syslogSink({ host: 'h', facility: 24 })).toThrow(/`facility`/)
    expect(() => syslogSink({ host: 'h', maxMessageBytes: 100 })).toThrow(/`maxMessageBytes`/)
    expect(() => syslogSink({ host: 'h', transport: 'udp', maxMessageBytes: 70_000 })).toThrow(/`maxMessageBytes`/)
    expect(() => syslogSink({ host: 'h', maxWaitingBytes: 1 })).toThrow(/`maxWaitingBytes`/)
  })

  it('shows its key nowhere', async () => {
    const { cert, key } = selfSigned()
    const canary = key.split('\n')[1] ?? ''
    await using server = await streamServer({ tls: selfSigned() })
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, tls: { cert, key } })
    const refusal: unknown = await write(sink, aRecord()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(leaksOf([refusal, sink, inspect(sink, { depth: 9, showHidden: true })], canary)).toEqual([])
  })

  it.each([
    ['cert', { cert: 'canary-of-a-cert', key: 'canary-of-a-key' }],
    ['ca', { ca: 'canary-of-a-cert' }],
    ['key', { cert: selfSigned().cert, key: selfSigned().key }],
  ])('refuses a `tls.%s` that is none or fits nothing, and does not show it', (_part, tls) => {
    const refusal = thrownBy(() => syslogSink({ host: 'h', tls }))
    expect(refusal).toMatchObject({ code: 'CONFIGURATION' })
    expect(leaksOf(refusal, 'canary-of-a')).toEqual([])
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
