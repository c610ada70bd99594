import type { Config } from '../config/config.ts'
import type { Values } from '../formats/document.ts'
import { UsageError } from '../terminal/failure.ts'
import type { Item } from './item.ts'
import { selectNames } from './select-names.ts'

/** What is moved from a source. */
export interface Chosen {
  readonly items: readonly Item[]
  /** Names that stay there, since the configuration does not declare them. */
  readonly left: readonly string[]
  /** The configuration declares none, so that all are taken. */
  readonly isAll: boolean
}

type Declared = NonNullable<Config['secrets']>

/** The declared secrets of a file, or those that `only` names. Where nothing is declared, all of them. */
export function itemsOfFile(values: Values, declared: Declared = {}, only: readonly string[] | undefined): Chosen {
  const items = [...values].map(([place, content]): Item => ({ name: nameInChain(place, values, declared), place, content }))
  if (only !== undefined && only.length > 0) return { items: named(items, only), left: [], isAll: false }
  const known = chainNames(declared)
  if (known.size === 0) return { items, left: [], isAll: true }
  const moved = items.filter(({ name }) => known.has(name))
  if (moved.length === 0 && items.length > 0) throw noneDeclared()
  return { items: moved, left: items.filter(({ name }) => !known.has(name)).map(({ place }) => place), isAll: false }
}

/** A file for an application has the name that it reads, and not the one in the chain. */
function nameInChain(place: string, values: Values, declared: Declared): string {
  if (chainNames(declared).has(place) || !Object.hasOwn(declared, place)) return place
  const { name = place, field } = declared[place] ?? {}
  return field === undefined && !values.has(name) ? name : place
}

export function chainNames(declared: Declared = {}): ReadonlySet<string> {
  return new Set(Object.entries(declared).map(([key, { name = key }]) => name))
}

function named(items: readonly Item[], only: readonly string[]): readonly Item[] {
  const known = items.map(({ place: name }) => ({ name, isRequired: true }))
  return selectNames(known, only).map(({ name }) => {
    const item = items.find(({ place }) => place === name)
    if (item === undefined) throw new UsageError('a name of --only is not in the file', 'see the names in it')
    return item
  })
}

function noneDeclared(): UsageError {
  return new UsageError(
    'the configuration declares none of the names in the file',
    'list them under "secrets"; or name them by --only, which takes patterns such as \'*\'',
  )
}
