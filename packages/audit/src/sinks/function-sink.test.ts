import { SecretsError } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { aRecord, hostileTexts } from '../testing/sample-records.ts'
import { unhurried, write } from '../testing/sink-calls.ts'
import { functionSink } from './function-sink.ts'

describe('the sink over a function', () => {
  it('gives it every record as it is, and the signal', async () => {
    const seen: unknown[] = []
    const sink = functionSink((record, { signal }) => void seen.push(record.name, signal))
    for (const name of hostileTexts) await write(sink, aRecord({ name }))
    expect(seen).toEqual(hostileTexts.flatMap((name) => [name, unhurried.signal]))
  })

  it('acknowledges when its promise has resolved', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let isAcknowledged = false
    const writing = write(
      functionSink(() => promise),
      aRecord(),
    ).then(() => (isAcknowledged = true))
    await new Promise((done) => setImmediate(done))
    expect(isAcknowledged).toBe(false)
    resolve()
    expect(await writing).toBe(true)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('canary-of-a-function')
      },
    ],
    ['rejects', () => Promise.reject(new Error('canary-of-a-function'))],
  ])('refuses when it %s, with nothing of the reason', async (_how, run) => {
    const refusal: unknown = await write(functionSink(run), aRecord()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'AUDIT_FAILED' })
    expect(leaksOf(refusal, 'canary-of-a-function')).toEqual([])
  })

  it('hands on a SecretsError, which has a remedy', async () => {
    const full = new SecretsError('AUDIT_FAILED', 'the table is full', { remedy: 'make room' })
    await expect(
      write(
        functionSink(() => Promise.reject(full)),
        aRecord(),
      ),
    ).rejects.toBe(full)
  })

  it('is durable only if its author says so', () => {
    expect(functionSink(() => undefined).durable).toBe(false)
    expect(functionSink(() => undefined, { durable: true }).durable).toBe(true)
  })

  it('refuses what is no function', () => {
    // @ts-expect-error what a caller without types may write
    expect(() => functionSink({})).toThrow(/not a function/)
  })
})
