import { basename } from 'node:path'
import type { Mutant } from './schemata.ts'
import type { MutantOrder } from './mutant-pool.ts'
import type { Selection, TestCoverage } from './test-runs.ts'

const slowMs = 500

/**
 * The tests that come by the mutant, those of its own file first and slow ones last: the first
 * failure ends the search.
 */
export function orderFor(mutant: number, { file, isStatic }: Mutant, coverage: readonly TestCoverage[]): MutantOrder {
  const own = `/${basename(file, '.ts')}.test.ts`
  const meeting = coverage.filter(({ mutants, loaded }) => mutants.includes(mutant) || loaded.includes(mutant))
  const files = new Set(meeting.map((test) => test.file))
  const covering = isStatic ? coverage.filter((test) => files.has(test.file)) : meeting
  const rank = (test: TestCoverage): number => (test.durationMs > slowMs ? 2 : test.file.endsWith(own) ? 0 : 1)
  const phases = [0, 1, 2].flatMap((phase) => selectionOf(covering.filter((test) => rank(test) === phase)))
  return { mutant, phases, longestMs: 20_000 + 5 * covering.reduce((sum, { durationMs }) => sum + durationMs, 0) }
}

function selectionOf(tests: readonly TestCoverage[]): readonly Selection[] {
  const byFile = Map.groupBy(tests, ({ file }) => file)
  return byFile.size === 0 ? [] : [Object.fromEntries([...byFile].map(([file, those]) => [file, those.map(({ id }) => id)]))]
}
