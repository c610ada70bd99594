import { PassThrough, Writable } from 'node:stream'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { aRecord, hostileTexts } from '../testing/sample-records.ts'
import { close, write } from '../testing/sink-calls.ts'
import { lineSink } from './line-sink.ts'

function collected(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

describe('the sink of lines', () => {
  it('writes one line a record, whatever stands in it', async () => {
    const { stream, text } = collected()
    const sink = lineSink({ stream })
    for (const name of hostileTexts) await write(sink, aRecord({ name, actor: name }))
    const lines = text().split('\n')
    expect(lines.pop()).toBe('')
    expect(lines).toHaveLength(hostileTexts.length)
    for (const line of lines) expect(line).toMatch(/^Secret access: name=[\x20-\x7e]+$/)
  })

  it('shows the user that it was given where a record has no actor', async () => {
    const { stream, text } = collected()
    const sink = lineSink({ stream, user: 'app\nuser' })
    for (const actor of [undefined, 'ada']) await write(sink, aRecord({ actor }))
    await write(lineSink({ stream }), aRecord({ actor: undefined }))
    expect(
      text()
        .split('\n')
        .map((line) => line.split('user=')[1]),
    ).toEqual(['"app\\nuser"', 'ada', '-', undefined])
    expect(() => lineSink({ format: 'json', user: 'app' })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('writes whole records as JSON when asked to', async () => {
    const { stream, text } = collected()
    const sink = lineSink({ stream, format: 'json' })
    for (const name of hostileTexts) await write(sink, aRecord({ name }))
    const lines = text().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(hostileTexts.map((name) => aRecord({ name })))
  })

  it('acknowledges when the stream has taken the line, and not before', async () => {
    let take: (() => void) | undefined
    const sink = lineSink({ stream: new Writable({ write: (_chunk, _encoding, done) => (take = done) }) })
    let isTaken = false
    const writing = write(sink, aRecord()).then(() => (isTaken = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isTaken).toBe(false)
    take?.()
    expect(await writing).toBe(true)
  })

  it('refuses the records of a stream that fails, and the process lives', async () => {
    const failure = Object.assign(new Error('canary-of-a-stream'), { code: 'EPIPE' })
    const sink = lineSink({ stream: new Writable({ write: (_chunk, _encoding, done) => done(failure) }) })
    const refusal: unknown = await write(sink, aRecord()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'AUDIT_FAILED', storeStatus: 'EPIPE' })
    expect(leaksOf(refusal, 'canary-of-a-stream')).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    await expect(write(sink, aRecord())).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
  })

  it('refuses what a stream throws at', async () => {
    const stream = {
      write: () => {
        throw new TypeError('canary-of-a-stream')
      },
    }
    await expect(write(lineSink({ stream }), aRecord())).rejects.toThrow(/^the stream did not take the line \(see where it leads\)$/)
  })

  it('holds no more than 8 MiB for a stream that stands still', async () => {
    const held: string[] = []
    const sink = lineSink({ stream: { write: (text) => held.push(text) } })
    const record = aRecord({ name: 'x'.repeat(100_000) })
    const settled = Array.from({ length: 100 }, () => write(sink, record).catch((error: unknown) => error))
    expect(await settled.at(-1)).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(held.join('').length).toBeLessThanOrEqual(8 * 1024 * 1024)
  })

  it('leaves the stream open, and without what it hung on it', async () => {
    const stream = new PassThrough()
    const sink = lineSink({ stream })
    await write(sink, aRecord())
    await close(sink)
    await close(sink)
    expect(stream.listenerCount('error')).toBe(0)
    expect(stream.writable).toBe(true)
  })

  it('refuses options that make no sense', () => {
    // @ts-expect-error what a caller without types may write
    expect(() => lineSink({ stream: 'stdout' })).toThrow(/`stream` is not a stream/)
    // @ts-expect-error what a caller without types may write
    expect(() => lineSink(process.stderr)).toThrow(/the options are a stream \(pass \{ stream: … \}\)/)
    // @ts-expect-error what a caller without types may write
    expect(() => lineSink({ format: 'xml' })).toThrow(/use human or json/)
    expect(() => lineSink({ name: '' })).toThrow(/`name`/)
  })
})
