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
  'has no name': { caughtBy: 'it is a sink', spoil: (good) => ({ ...good, sink: { ...good.sink, name: '' } }) },
  'leaves out kinds that it does not know': {
    caughtBy: 'what is acknowledged has arrived, of every kind of record',
    spoil: writing((write) => async (record, at) => (record.operation === 'gap' ? undefined : write(record, at))),
  },
  'loses records that come at once': {
    caughtBy: 'records at once all arrive, each once',
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
  'writes when it suits': {
    caughtBy: 'records arrive in the order in which they were written',
    spoil: writing((write) => async (record, at) => {
      await new Promise((resolve) => setTimeout(resolve, record.name === 'third-of-all' ? 20 : 1))
      await write(record, at)
    }),
  },
  'makes two entries of two lines': {
    caughtBy: 'no text forges a second entry',
    spoil: writing((write) => async (record, at) => {
      for (const name of record.name.split('\n')) await write({ ...record, name }, at)
    }),
  },
  'writes upon the record': {
    caughtBy: 'a record is left as it is',
    spoil: writing((write) => (record, at) => write(Object.assign(record, { seen: true }) satisfies AuditRecord, at)),
  },
  'acknowledges what the target refused': {
    caughtBy: 'what the target refuses is not acknowledged, and the sink goes on after',
    spoil: writing((write) => (record, at) => write(record, at).catch(() => {})),
  },
  'cannot be closed twice': {
    caughtBy: 'closing keeps what was acknowledged, and may come twice',
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
    test(`catch one that ${does}`, async () => {
      expect(await failuresOf(spoil)).toContain(`audit sink: ${caughtBy}`)
    })
  }

  test('are each broken by one of these', () => {
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
