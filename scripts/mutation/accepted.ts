import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mutant } from './schemata.ts'

/** What became of one file's mutants. */
export interface Verdict {
  readonly mutants: number
  /** Survivors of which accepted.json says why they make no difference. */
  readonly accepted: number
  /** All others: a test is missing, or the reason. */
  readonly survivors: readonly Mutant[]
}

/** Why a mutant that no test finds makes no difference, by its id. */
type Reasons = Readonly<Record<string, string | undefined>>

/** Judges the survivors by accepted.json; `outdated` are those in it that are found, or no mutants of these files any more. */
export function judged(
  mutants: readonly Mutant[],
  survivors: ReadonlySet<number>,
  reasons: Reasons = readReasons(),
): {
  readonly verdicts: ReadonlyMap<string, Verdict>
  readonly outdated: readonly string[]
} {
  const surviving = mutants.filter((_, number) => survivors.has(number))
  const isAccepted = ({ id }: Mutant): boolean => Object.hasOwn(reasons, id)
  const verdictOn = (those: readonly Mutant[]): Verdict => {
    const alive = those.filter((mutant) => surviving.includes(mutant))
    return { mutants: those.length, accepted: alive.filter(isAccepted).length, survivors: alive.filter((mutant) => !isAccepted(mutant)) }
  }
  const byFile = Map.groupBy(mutants, ({ file }) => file)
  const isOurs = (id: string): boolean => byFile.has(id.slice(0, id.indexOf(' ')))
  const outdated = Object.keys(reasons).filter((id) => isOurs(id) && !surviving.some((mutant) => mutant.id === id))
  return { verdicts: new Map([...byFile].map(([file, those]) => [file, verdictOn(those)])), outdated }
}

function readReasons(): Reasons {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'accepted.json'), 'utf8')) as Reasons // our own file
}
