import type { AuditEvent, AuditTrail } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { memoryAuditTrail, testAuditTrail, type AuditTrailHarness } from '../index.ts'

const context = { signal: new AbortController().signal }
const event: AuditEvent = { phase: 'outcome', time: 1, operation: 'get', name: 'api_key' }

describe('the audit trail in memory keeps the contract', () => {
  testAuditTrail({ test, createHarness: async () => harness() })
})

describe('the audit trail in memory', () => {
  test('fails by plan, at a phase', async () => {
    const trail = memoryAuditTrail({ plan: ({ phase }) => (phase === 'outcome' ? 'fail' : undefined) })
    await trail.record({ ...event, phase: 'intent' }, context)
    await expect(trail.record(event, context)).rejects.toMatchObject({ code: 'AUDIT_FAILED' })
    expect(trail.events().map(({ phase }) => phase)).toEqual(['intent'])
  })

  test('hangs by plan until the signal is aborted', async () => {
    const controller = new AbortController()
    const trail = memoryAuditTrail({ plan: () => 'hang' })
    const record = trail.record(event, { signal: controller.signal })
    controller.abort()
    await expect(record).rejects.toMatchObject({ code: 'ABORTED' })
    expect(trail.events()).toEqual([])
  })
})

/** Each breaks one rule on purpose. */
const bad: Readonly<Record<string, { readonly caughtBy: string; readonly spoil: (good: AuditTrailHarness) => AuditTrailHarness }>> = {
  'leaves out the actor': {
    caughtBy: 'an acknowledged event is recorded completely',
    spoil: recording(
      (record) =>
        ({ actor: _actor, ...rest }, at) =>
          record(rest, at),
    ),
  },
  'loses concurrent events': {
    caughtBy: 'concurrent events are each recorded once',
    spoil: recording((record) => {
      const state = { busy: false }
      return async (one, at) => {
        if (state.busy) return
        state.busy = true
        await Promise.resolve()
        await record(one, at)
        state.busy = false
      }
    }),
  },
  'records later, in its own order': {
    caughtBy: 'consecutive events are recorded in order',
    spoil: recording((record) => async (one, at) => {
      const later = (): void => void record(one, at).catch(() => undefined) // the trail may be closed by then
      setTimeout(later, one.name === 'c' ? 20 : 1)
    }),
  },
  'makes two events of two lines': {
    caughtBy: 'no name forges a second event',
    spoil: recording((record) => async (one, at) => {
      for (const name of one.name.split('\n')) await record({ ...one, name }, at)
    }),
  },
  "keeps the caller's own object": {
    caughtBy: 'changing an event afterwards does not change the record',
    spoil: (good) => {
      const kept: AuditEvent[] = []
      return { ...good, trail: { ...good.trail, record: async (one) => void kept.push(one) }, recorded: async () => kept }
    },
  },
  'acknowledges what a sink refused': {
    caughtBy: 'an event that a required sink refuses is not acknowledged, and later events are',
    spoil: recording((record) => (one, at) => record(one, at).catch(() => {})),
  },
  'takes events after it was closed': {
    caughtBy: 'a closed trail acknowledges no event',
    spoil: (good) => ({ ...good, trail: { ...good.trail, close: async () => {} } }),
  },
  'cannot be closed twice': {
    caughtBy: '`close` may be called twice',
    spoil: (good) => {
      const state = { closed: false }
      const close = async (): Promise<void> => {
        if (state.closed) throw new TypeError('already closed')
        state.closed = true
      }
      return { ...good, trail: { ...good.trail, close } }
    },
  },
}

function recording(make: (record: AuditTrail['record']) => AuditTrail['record']): (good: AuditTrailHarness) => AuditTrailHarness {
  return (good) => ({ ...good, trail: { ...good.trail, record: make(good.trail.record) } })
}

describe('the rules of audit trails', () => {
  for (const [does, { spoil, caughtBy }] of Object.entries(bad)) {
    test(`catch a trail that ${does}`, async () => {
      expect(await failuresOf(spoil)).toContain(`audit trail: ${caughtBy}`)
    })
  }

  test('are each broken by one of these trails', () => {
    const rules: string[] = []
    testAuditTrail({ test: (rule) => rules.push(rule), createHarness: async () => harness() })
    expect(rules.toSorted()).toEqual(
      Object.values(bad)
        .map(({ caughtBy }) => `audit trail: ${caughtBy}`)
        .toSorted(),
    )
  })
})

function harness(): AuditTrailHarness {
  const state = { broken: false }
  const trail = memoryAuditTrail({ plan: () => (state.broken ? 'fail' : undefined) })
  const breakTrail = async (): Promise<() => Promise<void>> => {
    state.broken = true
    return async () => void (state.broken = false)
  }
  return { trail, recorded: async () => trail.events(), breakTrail, close: async () => {} }
}

async function failuresOf(spoil: (good: AuditTrailHarness) => AuditTrailHarness): Promise<readonly string[]> {
  const failed: string[] = []
  const proofs: Promise<void>[] = []
  const collect = (rule: string, prove: () => Promise<void>): void => void proofs.push(prove().catch(() => void failed.push(rule)))
  testAuditTrail({ test: collect, createHarness: async () => spoil(harness()) })
  await Promise.all(proofs)
  return failed
}
