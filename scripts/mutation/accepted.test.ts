import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { judged } from './accepted.ts'
import { mutatedCode, targets } from './targets.ts'

const mutant = (id: string) => ({ id, file: id.slice(0, id.indexOf(' ')), line: 1, isStatic: false })

test('a survivor is accepted by its reason; a reason for what is found, or gone, is outdated', () => {
  const mutants = ['a.ts f: 1 -> 2', 'a.ts f: 2 -> 3', 'b.ts g: 1 -> 2'].map(mutant)
  const reasons = {
    'a.ts f: 1 -> 2': 'the same',
    'b.ts g: 1 -> 2': 'the same',
    'a.ts f: 9 -> 10': 'gone',
    'c.ts h: 1 -> 2': 'of another run',
  }
  const { results, outdated } = judged(mutants, new Set([0, 1]), reasons)
  expect([...results]).toEqual([
    ['a.ts', { mutants: 2, accepted: 1, survivors: [mutants[1]] }],
    ['b.ts', { mutants: 1, accepted: 0, survivors: [] }],
  ])
  expect(outdated).toEqual(['b.ts g: 1 -> 2', 'a.ts f: 9 -> 10'])
})

test('every reason in accepted.json is of a fault that can still be made', () => {
  const reasons: Record<string, string> = JSON.parse(readFileSync(join(import.meta.dirname, 'accepted.json'), 'utf8'))
  const ids = new Set(mutatedCode(targets).mutants.map(({ id }) => id))
  expect(Object.keys(reasons).filter((id) => !ids.has(id))).toEqual([])
  expect(Object.values(reasons).filter((reason) => reason.length < 10)).toEqual([])
})
