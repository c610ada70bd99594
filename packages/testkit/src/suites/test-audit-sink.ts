import assert from 'node:assert/strict'
import type { AuditRecord, AuditSink, CallContext } from '@finchat/secrets-core'
import type { Repair, TestFunction } from './provider/harness.ts'
import { within } from './provider/trial.ts'

/** One audit sink with an empty target. */
export interface AuditSinkHarness {
  readonly sink: AuditSink
  /** The entries at the target, in order, in the sink's own format (an object as its JSON). */
  readonly arrived: () => Promise<readonly string[]>
  /** Makes the target refuse, and returns what repairs it. Absent: it never refuses. */
  readonly breakSink?: (() => Promise<Repair>) | undefined
  /** Ends the target. The suite has closed the sink before. */
  readonly close: () => Promise<void>
}

/** Options of `testAuditSink`. */
export interface AuditSinkSuiteOptions {
  readonly test: TestFunction
  readonly createHarness: () => Promise<AuditSinkHarness>
}

type Rule = (trial: AuditSinkHarness) => Promise<void>

/**
 * Proves that an audit sink keeps the contract of `@finchat/secrets-core`: registers one test for each rule with the
 * runner's `test`.
 *
 * @example
 * import { test } from 'node:test'
 * import { testAuditSink } from '@finchat/secrets-testkit'
 *
 * testAuditSink({
 *   test,
 *   createHarness: async () => {
 *     const lines: string[] = []
 *     const sink = {
 *       specificationVersion: 'v1',
 *       name: 'lines',
 *       write: async (record) => void lines.push(JSON.stringify(record)),
 *     } as const satisfies import('@finchat/secrets-core').AuditSink
 *     return { sink, arrived: async () => lines, close: async () => {} }
 *   },
 * })
 */
export function testAuditSink({ test, createHarness }: AuditSinkSuiteOptions): void {
  for (const [rule, prove] of Object.entries(rules)) void test(`audit sink: ${rule}`, () => proveOver(createHarness, prove))
}

const context: CallContext = { signal: new AbortController().signal }

async function proveOver(createHarness: () => Promise<AuditSinkHarness>, prove: Rule): Promise<void> {
  const harness = await createHarness()
  try {
    await prove(harness)
  } finally {
    await harness.sink.close?.(context)
    await harness.close()
  }
}

/** For a real disk or server on a loaded machine. */
const timeoutMs = 20_000

function write({ sink }: AuditSinkHarness, record: AuditRecord): Promise<void> {
  return within(timeoutMs, sink.write(record, context), '`write` hangs')
}

const rules: Readonly<Record<string, Rule>> = {
  'the sink has the members of the contract': async ({ sink }) => {
    assert.equal(sink.specificationVersion, 'v1')
    assert.ok(sink.name.length > 0, '`name` is empty')
    assert.ok(sink.durable === undefined || typeof sink.durable === 'boolean', '`durable` is neither true nor false')
  },
  'an acknowledged record of every kind has arrived': async (trial) => {
    for (const [index, record] of kinds.entries()) {
      await write(trial, record)
      const arrived = await trial.arrived()
      assert.equal(arrived.length, index + 1, `a record of \`${record.operation}\` did not arrive as one entry`)
      if (record.name !== '') assert.ok(arrived[index]?.includes(record.name), `\`${record.operation}\` arrived without its name`)
    }
  },
  'concurrent records each arrive once': async (trial) => {
    const names = Array.from({ length: 50 }, (_, index) => `secret-number-${index}-`)
    await Promise.all(names.map((name, index) => write(trial, recordOf({ name, seq: index + 1 }))))
    const arrived = await trial.arrived()
    assert.equal(arrived.length, names.length)
    for (const name of names) assert.equal(arrived.filter((text) => text.includes(name)).length, 1, `${name} did not arrive once`)
  },
  'records arrive in the order of their writes': async (trial) => {
    const names = ['third-of-all', 'first-of-all', 'second-of-all']
    await Promise.all(names.map((name, index) => write(trial, recordOf({ name, seq: index + 1 }))))
    const arrived = await trial.arrived()
    for (const [index, name] of names.entries()) assert.ok(arrived[index]?.includes(name), `${name} is out of order`)
  },
  'no text forges a second entry': async (trial) => {
    for (const [index, text] of hostile.entries()) {
      await write(trial, recordOf({ name: text, actor: text, requestId: text, provider: text, seq: index + 1 }))
      const arrived = await trial.arrived()
      assert.equal(arrived.length, index + 1, `${JSON.stringify(text.slice(0, 40))} became more than one entry, or none`)
      assert.ok(!/[\n\r]/.test(arrived[index]?.trimEnd() ?? ''), `${JSON.stringify(text.slice(0, 40))} breaks the line`)
    }
  },
  'a record is not changed': async (trial) => {
    const record = recordOf({ actor: 'webapp' })
    const before = JSON.stringify(record)
    await write(trial, record)
    assert.equal(JSON.stringify(record), before)
  },
  'a record that the target refuses is not acknowledged, and later records are': async (trial) => {
    if (trial.breakSink === undefined) return
    const repair = await trial.breakSink()
    const refused = trial.sink.write(recordOf({ name: 'refused' }), context)
    try {
      await within(timeoutMs, assert.rejects(refused, 'a refused record was acknowledged'), 'a refused record hangs')
    } finally {
      await repair()
    }
    await write(trial, recordOf({ name: 'written-after', seq: 2 }))
    assert.ok((await trial.arrived()).at(-1)?.includes('written-after'), 'the sink did not go on')
  },
  '`close` keeps acknowledged records, and may be called twice': async (trial) => {
    await write(trial, recordOf({ name: 'before-the-end' }))
    for (let times = 0; times < 2; times += 1) await within(timeoutMs, trial.sink.close?.(context) ?? Promise.resolve(), '`close` hangs')
    assert.ok((await trial.arrived())[0]?.includes('before-the-end'), 'an acknowledged record is gone')
  },
}

/** Frozen, as the trail passes it. */
function recordOf(overrides: Partial<AuditRecord> = {}): AuditRecord {
  return Object.freeze({ ...read, ...overrides })
}

const read: AuditRecord = {
  v: 1,
  trail: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  seq: 1,
  time: 1_700_000_000_000,
  phase: 'outcome',
  operation: 'get',
  name: 'api_key',
  outcome: 'ok',
  host: 'web-1',
  pid: 4711,
  service: 'payments',
  release: '1.0.0',
}

const members: readonly Partial<AuditRecord>[] = [
  { provider: 'vault', version: 3, revision: 'r3', from: 'store', degraded: true, stale: false, durationMs: 1.5 },
  { outcome: 'error', code: 'PERMISSION_DENIED', actor: 'webapp', requestId: 'request-1' },
  { phase: 'intent', outcome: undefined, operation: 'rotate', name: 'db/password' },
  { operation: 'verify', matched: 'previous', traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
  { operation: 'login', name: '', provider: 'vault', method: 'approle' },
  { operation: 'gap', name: '', outcome: undefined, missed: 3, missedFrom: 7, seq: 9 },
  { operation: 'checkpoint', name: '', outcome: undefined, checkpoint: '{"group":7,"kind":"checkpoint"}' },
  { operation: 'of-a-later-release' },
]

const kinds: readonly AuditRecord[] = members.map((record, index) => recordOf({ seq: index + 1, ...record }))

const hostile: readonly string[] = [
  'x\nSecret access: name=forged',
  'x\r\n{"v":1,"name":"forged"}',
  'x\0\u2028\u2029\u0085"}\u001b[2J',
  '<34>1 2026-01-01T00:00:00Z host forged - - - forged',
  '__proto__',
  'x'.repeat(10_000),
]
