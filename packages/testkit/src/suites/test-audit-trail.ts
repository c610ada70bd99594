import assert from 'node:assert/strict'
import type { AuditEvent, AuditTrail, CallContext } from '@finchat/secrets-core'
import type { Repair, TestFunction } from './provider/harness.ts'
import { rejects, within } from './provider/trial.ts'

/** One empty audit trail. */
export interface AuditTrailHarness {
  readonly trail: AuditTrail
  /** The recorded events in order, as a reader of the trail finds them. */
  readonly recorded: () => Promise<readonly AuditEvent[]>
  /** Makes a required sink fail, and returns what repairs it. */
  readonly breakTrail: () => Promise<Repair>
  /** Ends the record. The suite has closed the trail before. */
  readonly close: () => Promise<void>
}

/** Options of `testAuditTrail`. */
export interface AuditTrailSuiteOptions {
  readonly test: TestFunction
  readonly createHarness: () => Promise<AuditTrailHarness>
}

interface Trial extends AuditTrailHarness {
  readonly context: CallContext
}

type Rule = (trial: Trial) => Promise<void>

/**
 * Proves that an audit trail keeps the contract of `@finchat/secrets-core`: registers one test for each rule with the
 * runner's `test`.
 *
 * @example
 * import { test } from 'node:test'
 * import { memoryAuditTrail, testAuditTrail } from '@finchat/secrets-testkit'
 *
 * testAuditTrail({
 *   test,
 *   createHarness: async () => {
 *     let broken = false
 *     const trail = memoryAuditTrail({ plan: () => (broken ? 'fail' : undefined) })
 *     const breakTrail = async () => {
 *       broken = true
 *       return async () => void (broken = false)
 *     }
 *     return { trail, recorded: async () => trail.events(), breakTrail, close: async () => {} }
 *   },
 * })
 */
export function testAuditTrail({ test, createHarness }: AuditTrailSuiteOptions): void {
  for (const [rule, prove] of Object.entries(rules)) void test(`audit trail: ${rule}`, () => proveOver(createHarness, prove))
}

async function proveOver(createHarness: () => Promise<AuditTrailHarness>, prove: Rule): Promise<void> {
  const harness = await createHarness()
  const context = { signal: new AbortController().signal }
  try {
    await prove({ ...harness, context })
  } finally {
    await harness.trail.close?.(context)
    await harness.close()
  }
}

const timeoutMs = 5_000

const rules: Readonly<Record<string, Rule>> = {
  'an acknowledged event is recorded completely': async ({ trail, recorded, context }) => {
    for (const [n, event] of events.entries()) {
      await trail.record(event, context)
      const found = (await recorded())[n]
      assert.ok(found)
      for (const [member, value] of Object.entries(event)) assert.deepEqual(found[member as keyof AuditEvent], value, `\`${member}\``) // its own keys
    }
  },
  'concurrent events are each recorded once': async ({ trail, recorded, context }) => {
    const names = Array.from({ length: 50 }, (_, n) => `secret-${n}`)
    await Promise.all(names.map((name) => trail.record({ ...read, name }, context)))
    assert.deepEqual((await recorded()).map(({ name }) => name).toSorted(), names.toSorted())
  },
  'consecutive events are recorded in order': async ({ trail, recorded, context }) => {
    for (const name of ['c', 'a', 'b']) await trail.record({ ...read, name }, context)
    assert.deepEqual(
      (await recorded()).map(({ name }) => name),
      ['c', 'a', 'b'],
    )
  },
  'no name forges a second event': async ({ trail, recorded, context }) => {
    const names = [
      'x\nSecret access: name=forged',
      'x\r\n{"phase":"outcome","name":"forged"}',
      'x\0\u2028"}\u001b[2J',
      '__proto__',
      'x'.repeat(2000),
    ]
    for (const name of names) await trail.record({ ...read, name }, context)
    assert.deepEqual(
      (await recorded()).map(({ name }) => name),
      names,
    )
  },
  'changing an event afterwards does not change the record': async ({ trail, recorded, context }) => {
    const event = { ...read, name: 'before' }
    await trail.record(event, context)
    event.name = 'after'
    assert.equal((await recorded())[0]?.name, 'before')
  },
  'an event that a required sink refuses is not acknowledged, and later events are': async ({ trail, recorded, breakTrail, context }) => {
    const repair = await breakTrail()
    try {
      await within(timeoutMs, rejects(trail.record(read, context), 'AUDIT_FAILED'), 'a refused event hangs')
    } finally {
      await repair()
    }
    await trail.record({ ...read, name: 'next' }, context)
    assert.equal((await recorded()).at(-1)?.name, 'next')
  },
  'a closed trail acknowledges no event': async ({ trail, context }) => {
    if (trail.close === undefined) return
    await trail.close(context)
    await within(timeoutMs, assert.rejects(trail.record(read, context)), 'a closed trail hangs')
  },
  '`close` may be called twice': async ({ trail, context }) => {
    for (let times = 0; times < 2; times += 1) await within(timeoutMs, trail.close?.(context) ?? Promise.resolve(), '`close` hangs')
  },
}

const read: AuditEvent = { phase: 'outcome', time: 1_700_000_000_000, operation: 'get', name: 'api_key', outcome: 'ok' }

const events: readonly AuditEvent[] = [
  { ...read, provider: 'vault', version: 3, revision: 'r3', from: 'store', degraded: true, stale: false, durationMs: 1.5 },
  { ...read, outcome: 'error', code: 'PERMISSION_DENIED', actor: 'webapp', requestId: 'request-1' },
  { phase: 'intent', time: 1_700_000_000_001, operation: 'put', name: 'db/password' },
  { ...read, operation: 'verify', matched: 'previous' },
]
