import { isValidName } from '@finchat/secrets-core'
import { UsageError } from '../terminal/failure.ts'
import type { Wanted } from './item.ts'
import { isGlob, matchesGlob } from './name-glob.ts'

/** Those of the names that `only` describes, or all. A plain name of `only` need not be known. */
export function selectNames(known: readonly Wanted[], only: readonly string[] | undefined): readonly Wanted[] {
  if (only === undefined || only.length === 0) return known
  return only
    .flatMap((pattern) => describedBy(pattern, known))
    .filter(({ name }, index, all) => all.findIndex((each) => each.name === name) === index)
}

function describedBy(pattern: string, known: readonly Wanted[]): readonly Wanted[] {
  const found = known.filter(({ name }) => matchesGlob(name, pattern))
  if (found.length > 0) return found
  if (!isGlob(pattern) && isValidName(pattern)) return [{ name: pattern, isRequired: true }]
  throw new UsageError('a pattern of --only matches no name', 'give names, or patterns such as finchat/*; quote them for the shell')
}
