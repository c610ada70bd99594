import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { createSecretsManager, type AuditEvent, type AuditSink, type AuditTrail } from '@finchat/secrets-core'
import { leaksOf, memoryProvider, testAuditTrail } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { withAuditContext } from '../record/audit-context.ts'
import { auditTrail } from './audit-trail.ts'
import { trialSink } from '../testing/trial-sink.ts'
import type { AuditTrailOptions } from './trail-options.ts'
import { bestEffort, required } from './trail-sink.ts'

const { version: ownVersion }: { version?: unknown } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const context = { signal: new AbortController().signal }
const event: AuditEvent = { phase: 'outcome', time: 1_800_000_000_000, operation: 'get', name: 'db/password', outcome: 'ok' }
const key = Uint8Array.from({ length: 32 }, (_, at) => 7 * at)

let warnings: unknown[]
const trails: AuditTrail[] = []
beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning))
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  for (const trail of trails.splice(0)) await trail.close?.(context).catch(() => {})
})

function trailOf(options: AuditTrailOptions): AuditTrail {
  const trail = auditTrail({ sinkDeadlineMs: 200, ...options })
  trails.push(trail)
  return trail
}

describe('the audit trail keeps the contract', () => {
  testAuditTrail({
    test,
    createHarness: async () => {
      const sink = trialSink('only')
      const breakTrail = async (): Promise<() => Promise<void>> => {
        sink.behaviour = 'rejects'
        return async () => void (sink.behaviour = 'ok')
      }
      const recorded = async (): Promise<AuditEvent[]> => sink.records.filter(({ operation }) => operation !== 'gap')
      return { trail: auditTrail({ sinks: [required(sink)] }), recorded, breakTrail, close: async () => {} }
    },
  })
})

describe('a record', () => {
  it('says what, who, where and in which order', async () => {
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink], service: 'payments' })
    await trail.record({ ...event, provider: 'aws', version: 3, actor: 'webapp', requestId: 'r-1' }, context)
    await trail.record({ ...event, outcome: 'error', code: 'PERMISSION_DENIED' }, context)
    expect(sink.records).toMatchObject([
      { v: 1, seq: 1, ...event, provider: 'aws', version: 3, actor: 'webapp', requestId: 'r-1', service: 'payments', pid: process.pid },
      { v: 1, seq: 2, outcome: 'error', code: 'PERMISSION_DENIED' },
    ])
    const [{ trail: one, host, release } = { trail: '', host: '', release: '' }, second] = sink.records
    expect([second?.trail, host.length > 0, release]).toEqual([one, true, ownVersion])
  })

  it('cannot be changed by a sink', async () => {
    const vandal: AuditSink = {
      specificationVersion: 'v1',
      name: 'vandal',
      write: async (record) => void Object.assign(record, { name: 'other' }),
    }
    const sink = trialSink('after')
    await trailOf({ sinks: [vandal, sink] }).record(event, context)
    expect(sink.records[0]?.name).toBe('db/password')
  })

  it('names the actor and request of the call, else of the innermost context', async () => {
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink] })
    await withAuditContext({ actor: 'outer', requestId: 'r-1' }, async () => {
      await trail.record({ ...event, actor: 'call' }, context)
      await withAuditContext({ actor: 'inner' }, () => trail.record(event, context))
    })
    expect(sink.records.map(({ actor, requestId }) => [actor, requestId])).toEqual([
      ['call', 'r-1'],
      ['inner', 'r-1'],
    ])
  })

  it('names the OpenTelemetry span that is active, and none where there is none or a strange one', async () => {
    const api = Symbol.for('opentelemetry.js.api.1')
    const span = new AsyncLocalStorage<unknown>()
    const active = { getValue: (asked: symbol) => (asked === Symbol.for('OpenTelemetry Context Key SPAN') ? span.getStore() : undefined) }
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink] })
    const inSpan = (spanContext: () => unknown): Promise<void> => span.run({ spanContext }, () => trail.record(event, context))
    Reflect.set(globalThis, api, { context: { active: () => active } })
    try {
      await inSpan(() => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }))
      await inSpan(() => ({ traceId: '0'.repeat(32), spanId: '0'.repeat(16) }))
      await inSpan(() => ({ traceId: 'x\ny', spanId: 7 }))
      await inSpan(() => {
        throw new TypeError('no span')
      })
      await trail.record(event, context)
    } finally {
      Reflect.deleteProperty(globalThis, api)
    }
    expect(sink.records.map(({ traceId, spanId }) => [traceId, spanId])).toEqual([
      ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'],
      ...Array.from({ length: 4 }, () => [undefined, undefined]),
    ])
  })

  it('tells a name only by its keyed hash, if asked to', async () => {
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink], hashNames: key })
    for (const name of ['db/password', 'db/password', 'db/other', '*']) await trail.record({ ...event, name }, context)
    const [one, again, other, all] = sink.records.map(({ name }) => name)
    expect([one, all]).toEqual([expect.stringMatching(/^hmac:[0-9a-f]{32}$/), '*'])
    expect([again === one, other === one]).toEqual([true, false])
  })

  it('holds well-formed and bounded text, and keeps apart what is cut', async () => {
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink] })
    for (const actor of ['\ud800', 'x'.repeat(16_384), 'x'.repeat(100_000), 'x'.repeat(100_001)])
      await trail.record({ ...event, actor }, context)
    const actors = sink.records.map(({ actor }) => actor ?? '')
    expect(actors.map(({ length }) => length)).toEqual([1, 16_384, 16_384, 16_384])
    expect(new Set(actors).size).toBe(4)
    expect(actors.every((actor) => actor.isWellFormed())).toBe(true)
  })

  it('holds nothing that is not a member of its own type', async () => {
    const canary = 'canary-of-a-value'
    const junk = fc.oneof(
      fc.constantFrom<unknown>(
        { value: canary },
        [canary],
        new TextEncoder().encode(canary),
        () => canary,
        new Error(canary),
        Symbol(canary),
      ),
    )
    const wrong = fc.dictionary(
      fc.constantFrom(
        'value',
        'candidate',
        'tags',
        'cause',
        'toJSON',
        'actor',
        'requestId',
        'revision',
        'version',
        'durationMs',
        'stale',
        '__proto__',
      ),
      junk,
    )
    const words = fc.record({ from: fc.constant(canary), matched: fc.constant(canary), outcome: fc.constant(canary) }, { requiredKeys: [] })
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink] })
    await fc.assert(
      fc.asyncProperty(wrong, words, async (extra, foreign) => {
        const spoilt = { ...event, ...extra, ...foreign } as unknown as AuditEvent // what a core of another version might hand over
        await trail.record(spoilt, context)
        const record = sink.records.pop()
        expect(leaksOf(record, canary)).toEqual([])
        expect(Object.values(record ?? {}).every((value) => value === undefined || typeof value !== 'object')).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a sink that comes back', () => {
  it('first hears what it missed', async () => {
    const [file, other] = [trialSink('file'), trialSink('other')]
    const trail = trailOf({ sinks: [bestEffort(file), required(other)] })
    await trail.record(event, context)
    file.behaviour = 'rejects'
    for (let count = 0; count < 3; count++) await trail.record(event, context)
    file.behaviour = 'ok'
    await trail.record(event, context)
    await trail.record(event, context)
    expect(file.records.map(({ seq, operation, missed, missedFrom }) => [seq, operation, missed, missedFrom])).toEqual([
      [1, 'get', undefined, undefined],
      [4, 'gap', 3, 2],
      [5, 'get', undefined, undefined],
      [6, 'get', undefined, undefined],
    ])
    expect(other.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
    expect(warnings).toEqual(["Audit sink 'file' does not acknowledge: it failed with an error of its own"])
  })

  it('hears it at the latest when the trail is closed', async () => {
    const file = trialSink('file', 'rejects')
    const trail = trailOf({ sinks: [required(file)] })
    await expect(trail.record(event, context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    file.behaviour = 'ok'
    await trail.close?.(context)
    expect(file.records).toMatchObject([{ operation: 'gap', seq: 1, missed: 1, missedFrom: 1 }])
  })

  it('misses what was given to it while a gap could not be told either', async () => {
    const file = trialSink('file', 'rejects')
    const trail = trailOf({ sinks: [bestEffort(file), required(trialSink('other'))] })
    await Promise.all([trail.record(event, context), trail.record(event, context)])
    await trail.record(event, context)
    file.behaviour = 'ok'
    await trail.record(event, context)
    expect(file.records).toMatchObject([
      { operation: 'gap', seq: 3, missed: 3, missedFrom: 1 },
      { operation: 'get', seq: 4 },
    ])
  })

  it('is in one outage, however many records it misses', async () => {
    const file = trialSink('file', 'throws')
    const trail = trailOf({ sinks: [bestEffort(file), required(trialSink('other'))] })
    for (let count = 0; count < 5; count++) await trail.record(event, context)
    expect(warnings).toHaveLength(1)
  })
})

describe('a sink that uses the manager that it audits', () => {
  function reading(how: (read: () => Promise<unknown>) => Promise<void>): { secrets: () => Promise<string>; seen: unknown[] } {
    const seen: unknown[] = []
    const sink: AuditSink = {
      specificationVersion: 'v1',
      name: 'curious',
      write: () => how(() => secrets.getSecret('token').catch((error: unknown) => seen.push(error))),
    }
    const audit = trailOf({ sinks: [bestEffort(sink), required(trialSink('file'))] })
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'x' } })], audit })
    return { secrets: () => secrets.getSecret('token'), seen }
  }

  it('is told so, and so is the caller', async () => {
    const { secrets, seen } = reading(async (read) => void (await read()))
    await secrets().catch(() => {})
    await expect.poll(() => warnings).toHaveLength(1)
    expect(seen).toMatchObject([{ code: 'CONFIGURATION', message: expect.stringContaining("'curious' uses the secrets manager") }])
  })

  it('fails the call where the sink is required', async () => {
    const sink: AuditSink = {
      specificationVersion: 'v1',
      name: 'curious',
      write: async () => void (await secrets.getSecret('token').catch(() => {})),
    }
    const audit = trailOf({ sinks: [required(sink)] })
    const secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'x' } })], audit })
    await expect(secrets.getSecret('token')).rejects.toMatchObject({ code: 'CONFIGURATION', secret: 'token' })
    await expect(secrets.storeSecret('token', 'y')).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('is one even if it uses it through another trail', async () => {
    const inner: AuditSink = { specificationVersion: 'v1', name: 'inner', write: (record) => outer.record(record, context) }
    const outer: AuditTrail = trailOf({
      sinks: [required({ specificationVersion: 'v1', name: 'outer', write: (record) => middle.record(record, context) })],
    })
    const middle = trailOf({ sinks: [required(inner)] })
    await expect(outer.record(event, context)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})

describe('the relaxed modes', () => {
  it('best effort waits for nobody', async () => {
    const trail = trailOf({ sinks: [required(trialSink('file', 'rejects')), trialSink('hung', 'hangs')], mode: 'best-effort' })
    await trail.record({ ...event, phase: 'intent' }, context)
    await trail.record(event, context)
    await expect.poll(() => warnings.length).toBeGreaterThan(0)
  })

  it('buffered goes ahead while the sinks acknowledge, and no longer', async () => {
    const acknowledged = Promise.withResolvers<void>()
    const file = trialSink('file')
    const write = vi.spyOn(file, 'write').mockReturnValueOnce(acknowledged.promise)
    const trail = trailOf({ sinks: [required(file)], mode: 'buffered' })
    await trail.record(event, context)
    expect(write).toHaveBeenCalledTimes(1)
    acknowledged.resolve()
    file.behaviour = 'rejects'
    await trail.record(event, context)
    await new Promise((resolve) => setImmediate(resolve))
    await expect(trail.record(event, context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    file.behaviour = 'ok'
    await vi.waitFor(() => trail.record(event, context), { timeout: 20_000 })
    await trail.close?.(context)
    expect(file.records.filter(({ operation }) => operation === 'gap')).not.toEqual([])
  })

  it('buffered still waits for an intent', async () => {
    const trail = trailOf({ sinks: [required(trialSink('file', 'hangs'))], mode: 'buffered', sinkDeadlineMs: 20 })
    await expect(trail.record({ ...event, phase: 'intent' }, context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
  })

  it('closing waits for what was not yet acknowledged', async () => {
    const file = trialSink('file', 'slow')
    const trail = trailOf({ sinks: [required(file)], mode: 'best-effort' })
    for (let count = 0; count < 10; count++) await trail.record(event, context)
    await trail.close?.(context)
    expect(file.records).toHaveLength(10)
    await expect(trail.record(event, context)).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('logins and leases', () => {
  const login = { operation: 'login', provider: 'vault', method: 'approle', outcome: 'ok', durationMs: 12 }

  it('are recorded as providers tell of them, until the trail is closed', async () => {
    const sink = trialSink('only')
    const trail = trailOf({ sinks: [sink] })
    const logins = channel('finchat.secrets.login')
    logins.publish(login)
    logins.publish({
      ...login,
      operation: 'lease',
      path: 'database/creds/app',
      outcome: 'error',
      code: 'PERMISSION_DENIED',
      token: 'canary-of-a-value',
    })
    logins.publish('noise')
    logins.publish(null)
    await trail.close?.(context)
    logins.publish(login)
    expect(sink.records).toMatchObject([
      { ...login, name: '', phase: 'outcome' },
      { operation: 'lease', name: 'database/creds/app', outcome: 'error', code: 'PERMISSION_DENIED' },
    ])
    expect(leaksOf(sink.records, 'canary-of-a-value')).toEqual([])
  })
})

describe('the intent to take a lease', () => {
  const intent = { operation: 'lease', provider: 'vault', path: 'database/creds/app', method: 'approle' }

  async function answered(trail: AuditTrail): Promise<PromiseSettledResult<void>[]> {
    const waiting: Promise<void>[] = []
    channel('finchat.secrets.intent').publish({ ...intent, waitFor: (acknowledged: Promise<void>) => void waiting.push(acknowledged) })
    const answers = await Promise.allSettled(waiting)
    await trail.close?.(context)
    return answers
  }

  it('is recorded before anything is sent', async () => {
    const sink = trialSink('only')
    expect(await answered(trailOf({ sinks: [sink] }))).toMatchObject([{ status: 'fulfilled' }])
    expect(sink.records).toMatchObject([
      { phase: 'intent', operation: 'lease', name: 'database/creds/app', provider: 'vault', outcome: undefined },
    ])
  })

  it('holds the lease back if it cannot be recorded', async () => {
    expect(await answered(trailOf({ sinks: [required(trialSink('file', 'rejects'))] }))).toMatchObject([
      { reason: { code: 'AUDIT_FAILED' } },
    ])
  })
})

describe('the outcome of a lease', () => {
  const outcome = { operation: 'lease', provider: 'vault', path: 'database/creds/app', method: 'approle', outcome: 'ok', durationMs: 3 }

  it.each([
    ['is waited for', 'slow', 'fulfilled'],
    ['holds the lease back if it cannot be recorded', 'rejects', 'rejected'],
  ] as const)('%s', async (_, behaviour, status) => {
    const trail = trailOf({ sinks: [required(trialSink('file', behaviour))], sinkDeadlineMs: 4_000 })
    const waiting: Promise<void>[] = []
    channel('finchat.secrets.login').publish({ ...outcome, waitFor: (recorded: Promise<void>) => void waiting.push(recorded) })
    expect(await Promise.allSettled(waiting)).toMatchObject([{ status }])
    await trail.close?.(context)
  })
})

describe('the options of a trail', () => {
  const sink = trialSink('one')
  it.each<[string, unknown]>([
    ['no options', undefined],
    ['no sinks', { sinks: [] }],
    ['a sink that is none', { sinks: [{ name: 'x' }] }],
    ['a sink of another specification', { sinks: [{ ...sink, specificationVersion: 'v2' }] }],
    ['two sinks of one name', { sinks: [sink, { ...sink }] }],
    ['a sink of which nobody says whether it is required', { sinks: [{ sink, required: undefined }] }],
    ['a sink that is required in words', { sinks: [{ sink, required: 'false' }] }],
    ['a hole in the list', { sinks: Object.assign(Array(2), { 1: sink }) }],
    ['an unknown mode', { sinks: [sink], mode: 'lazy' }],
    ['no time', { sinks: [sink], sinkDeadlineMs: 0 }],
    ['a time that no timer can hold', { sinks: [sink], sinkDeadlineMs: 2 ** 31 }],
    ['a short key', { sinks: [sink], hashNames: key.subarray(1) }],
    ['a key of text', { sinks: [sink], hashNames: Buffer.from('correct horse battery staple, 40 bytes..') }],
    ['a key of zeros', { sinks: [sink], hashNames: new Uint8Array(64) }],
    ['a key of text in another encoding', { sinks: [sink], hashNames: Buffer.from('a passphrase of mine', 'utf16le') }],
    ['a misspelt option', { sinks: [sink], hashName: key }],
  ])('refuse %s', (_, options) => {
    expect(() => auditTrail(options as AuditTrailOptions)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' })) // what a caller without types may pass
  })

  it('require what is durable, unless told otherwise', async () => {
    const durable = { ...trialSink('durable', 'rejects'), durable: true }
    const other = trialSink('other')
    await expect(trailOf({ sinks: [durable, other] }).record(event, context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    await trailOf({ sinks: [bestEffort(durable), other] }).record(event, context)
  })
})

describe('closing', () => {
  it('closes every sink, and says which could not be', async () => {
    const close = vi.fn(async () => {})
    const broken = { ...trialSink('broken'), close: () => Promise.reject(new Error('canary')) }
    const trail = auditTrail({ sinks: [{ ...trialSink('good'), close }, broken] })
    await expect(trail.close?.(context)).rejects.toMatchObject({ code: 'AUDIT_FAILED', message: expect.stringContaining('broken') })
    expect(close).toHaveBeenCalledTimes(1)
  })
})
