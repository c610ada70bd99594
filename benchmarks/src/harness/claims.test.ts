import { expect, test } from 'vitest'
import { rowsOf } from './claims.ts'
import type { Claim, Contender, Goal, Scenario } from './scenario.ts'

const samples = { fast: [{ time: 10 }, { time: 12 }, { time: 11 }], slow: [{ time: 40 }, { time: 42 }, { time: 41 }] }

function rowFor(goal: Goal | undefined, own: 'fast' | 'slow' = 'fast'): ReturnType<typeof rowsOf>[number] | undefined {
  const other = own === 'fast' ? 'slow' : 'fast'
  const claim: Claim = { what: 'a read', metric: 'time', ours: own, peer: other, ...(goal && { goal }) }
  const load = (): Promise<Contender> => Promise.reject(new Error('nothing runs here'))
  const entrants = { fast: { role: 'ours', load }, slow: { role: 'peer', load } } as const
  const scenario: Scenario = { title: '', processes: 'kept', metrics: { time: 'ms' }, entrants, claims: [claim] }
  return rowsOf(scenario, samples)[0]
}

test.each<[Goal, string, boolean]>([
  [{ kind: 'ratio', to: 'peer', atMost: 0.5 }, '≤ 0.5 × peer', true],
  [{ kind: 'ratio', to: 'peer', atMost: 0.2 }, '≤ 0.2 × peer', false],
  [{ kind: 'ratio', to: 'peer', atMost: 1 }, '≤ peer', true],
  [{ kind: 'faster', to: 'peer', times: 3.5 }, '3.5 × faster than peer', true],
  [{ kind: 'faster', to: 'peer', times: 4 }, '4 × faster than peer', false],
  [{ kind: 'difference', to: 'peer', atMost: 0 }, '≤ peer + 0 ms', true],
  [{ kind: 'value', atMost: 11 }, '≤ 11 ms', true],
  [{ kind: 'value', atMost: 10 }, '≤ 10 ms', false],
])('%o', (goal, text, met) => {
  expect(rowFor(goal)).toMatchObject({ goal: text, met })
})

test('a claim without a goal states its figures', () => {
  expect(rowFor(undefined)).toMatchObject({ ours: { median: 11, least: 10, most: 12 }, goal: undefined, met: undefined })
})

test('a difference is of the rounds, and may be a goal that is missed', () => {
  expect(rowFor({ kind: 'difference', to: 'peer', atMost: 15 }, 'slow')).toMatchObject({ goal: '≤ peer + 15 ms', met: false })
})

test('a goal whose other the claim does not name is a mistake', () => {
  expect(() => rowFor({ kind: 'ratio', to: 'limit', atMost: 1 })).toThrow('names none')
})
