import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mutant } from './schemata.ts'

/** The results of one file's mutants. */
export interface FileResult {
  readonly mutants: number
  /** Survivors that accepted.json explains. */
  readonly accepted: number
  /** All others: a test is missing, or the reason. */
  readonly survivors: readonly Mutant[]
}

/** By a mutant's id: why it makes no difference. */
type Reasons = Readonly<Record<string, string | undefined>>

/**
 * Compares survivors with accepted.json. `outdated`: its entries that a test finds now, or that no
 * longer exist.
 */
export function judged(
  mutants: readonly Mutant[],
  survivors: ReadonlySet<number>,
  reasons: Reasons = readReasons(),
): {
  readonly results: ReadonlyMap<string, FileResult>
  readonly outdated: readonly string[]
} {
  const surviving = mutants.filter((_, number) => survivors.has(number))
  const isAccepted = ({ id }: Mutant): boolean => Object.hasOwn(reasons, id)
  const resultOf = (those: readonly Mutant[]): FileResult => {
    const alive = those.filter((mutant) => surviving.includes(mutant))
    return { mutants: those.length, accepted: alive.filter(isAccepted).length, survivors: alive.filter((mutant) => !isAccepted(mutant)) }
  }
  const byFile = Map.groupBy(mutants, ({ file }) => file)
  const isOurs = (id: string): boolean => byFile.has(id.slice(0, id.indexOf(' ')))
  const outdated = Object.keys(reasons).filter((id) => isOurs(id) && !surviving.some((mutant) => mutant.id === id))
  return { results: new Map([...byFile].map(([file, those]) => [file, resultOf(those)])), outdated }
}

function readReasons(): Reasons {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'accepted.json'), 'utf8')) as Reasons // our own file
}
