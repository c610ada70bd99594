import type { AuditRecord, AuditSink } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { testAuditSink, type AuditSinkHarness } from '../index.ts'

type Write = AuditSink['write']

/** Lines in memory, which keep every rule. */
function harness(): AuditSinkHarness {
  const lines: string[] = []
  const state = { broken: false }
  const write: Write = async (record) => {
    if (state.broken) throw new Error('full')
    lines.push(JSON.stringify(record))
  }
  const breakSink = async (): Promise<() => Promise<void>> => {
    state.broken = true
    return async () => void (state.broken = false)
  }
  return { sink: { specificationVersion: 'v1', name: 'lines', write }, arrived: async () => [...lines], breakSink, close: async () => {} }
}

function writing(make: (write: Write) => Write): (good: AuditSinkHarness) => AuditSinkHarness {
  return (good) => ({ ...good, sink: { ...good.sink, write: make(good.sink.write) } })
}

/** Each breaks one rule on purpose. */
const bad: Readonly<Record<string, { readonly caughtBy: string; readonly spoil: (good: AuditSinkHarness) => AuditSinkHarness }>> = {
  'has no name': { caughtBy: 'the sink has the members of the contract', spoil: (good) => ({ ...good, sink: { ...good.sink, name: '' } }) },
  'drops unknown kinds of record': {
    caughtBy: 'an acknowledged record of every kind has arrived',
    spoil: writing((write) => async (record, at) => (record.operation === 'gap' ? undefined : write(record, at))),
  },
  'loses concurrent records': {
    caughtBy: 'concurrent records each arrive once',
    spoil: writing((write) => {
      const state = { busy: false }
      return async (record, at) => {
        if (state.busy) return
        state.busy = true
        await Promise.resolve()
        await write(record, at)
        state.busy = false
      }
    }),
  },
  'writes out of order': {
    caughtBy: 'records arrive in the order of their writes',
    spoil: writing((write) => async (record, at) => {
      await new Promise((resolve) => setTimeout(resolve, record.name === 'third-of-all' ? 20 : 1))
      await write(record, at)
    }),
  },
  'makes two entries of a name with two lines': {
    caughtBy: 'no text forges a second entry',
    spoil: writing((write) => async (record, at) => {
      for (const name of record.name.split('\n')) await write({ ...record, name }, at)
    }),
  },
  'changes the record': {
    caughtBy: 'a record is not changed',
    spoil: writing((write) => (record, at) => write(Object.assign(record, { seen: true }) satisfies AuditRecord, at)),
  },
  'acknowledges what the target refused': {
    caughtBy: 'a record that the target refuses is not acknowledged, and later records are',
    spoil: writing((write) => (record, at) => write(record, at).catch(() => {})),
  },
  'cannot be closed twice': {
    caughtBy: '`close` keeps acknowledged records, and may be called twice',
    spoil: (good) => {
      const state = { closed: false }
      const close = async (): Promise<void> => {
        if (state.closed) throw new TypeError('already closed')
        state.closed = true
      }
      return { ...good, sink: { ...good.sink, close } }
    },
  },
}

describe('lines in memory keep the contract of a sink', () => {
  testAuditSink({ test, createHarness: async () => harness() })
})

describe('the rules of audit sinks', () => {
  for (const [does, { spoil, caughtBy }] of Object.entries(bad)) {
    test(`catch a sink that ${does}`, async () => {
      expect(await failuresOf(spoil)).toContain(`audit sink: ${caughtBy}`)
    })
  }

  test('are each broken by one of these sinks', () => {
    const rules: string[] = []
    testAuditSink({ test: (rule) => rules.push(rule), createHarness: async () => harness() })
    expect(rules.toSorted()).toEqual(
      Object.values(bad)
        .map(({ caughtBy }) => `audit sink: ${caughtBy}`)
        .toSorted(),
    )
  })
})

async function failuresOf(spoil: (good: AuditSinkHarness) => AuditSinkHarness): Promise<readonly string[]> {
  const failed: string[] = []
  const proofs: Promise<void>[] = []
  const collect = (rule: string, prove: () => Promise<void>): void => void proofs.push(prove().catch(() => void failed.push(rule)))
  testAuditSink({ test: collect, createHarness: async () => spoil(harness()) })
  await Promise.all(proofs)
  return failed
}
