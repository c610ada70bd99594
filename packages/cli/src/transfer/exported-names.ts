import type { Config } from '../config/config.ts'
import { UsageError } from '../terminal/failure.ts'
import { chainNames } from './items-of-file.ts'
import { matchesGlob } from './name-glob.ts'

/** One value of a file, under each name that the application reads it by. */
interface Named {
  readonly name: string
}

/**
 * Secrets of the chain by the names that declare them whole, or else by their own. A field alone is
 * not the secret: an import of it would lose the others. `only` picks among several names.
 */
export function byDeclaredName<Each extends Named>(
  read: readonly Each[],
  declared: NonNullable<Config['secrets']> = {},
  only: readonly string[] = [],
): readonly Each[] {
  const chain = chainNames(declared)
  return read.flatMap((each) =>
    namesOf(each.name, declared, only).map((name) => {
      if (name !== each.name && chain.has(name)) throw ambiguous(name)
      return { ...each, name }
    }),
  )
}

/** In a file it could mean either, and an import takes it for the one in the chain. */
function ambiguous(name: string): UsageError {
  return new UsageError(
    `${name} is the declared name of one secret, and the name of another one in the chain`,
    'declare the first under a name that the chain does not have, or leave it out by --only',
  )
}

function namesOf(chain: string, declared: NonNullable<Config['secrets']>, only: readonly string[]): readonly string[] {
  const whole = Object.keys(declared).filter((key) => (declared[key]?.name ?? key) === chain && declared[key]?.field === undefined)
  const meant = whole.filter((key) => only.some((glob) => matchesGlob(key, glob)))
  const names = meant.length > 0 ? meant : whole
  return names.length > 0 ? names : [chain]
}
