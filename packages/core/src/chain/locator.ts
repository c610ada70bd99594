import type { SecretLocation } from '../contract/provider.ts'
import { isRecord, own, ownMembers } from '../errors/own-properties.ts'
import { quoted } from '../errors/format.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { isStorePath } from '../kit/path.ts'

/** A store's own path, as text (`path` or `path#field`) or spelled out. */
export type Target = string | SecretLocation

/** Where a provider keeps the application's names. Every provider's options take these. */
export interface NamesOptions {
  /** Places names at the store's own paths: a map, or a function that answers `undefined` for a name it does not place. */
  readonly names?: Readonly<Record<string, Target>> | ((name: string) => Target | undefined) | undefined
  /** Goes before every name that `names` does not place. */
  readonly prefix?: string | undefined
  /** The provider holds only what `names` places: it is not asked for anything else. */
  readonly onlyNamed?: boolean | undefined
}

/**
 * What a provider's author writes for `locate`: `locate: locator(options)`. Returns a pure function from a name to its
 * location, `undefined` where this provider does not hold the name or `canHold` says that its store's grammar cannot.
 * Throws `CONFIGURATION` at once when `names` or the prefix is malformed, or a target of the map is malformed or cannot be held.
 *
 * @example
 * import { locator } from '@finchat/secrets-core/provider'
 *
 * const locate = locator({ names: { TOKEN: 'finchat/token#value' }, prefix: 'prod/' })
 * console.log(locate('TOKEN'), locate('db')) // { path: 'finchat/token', field: 'value' } { path: 'prod/db' }
 */
export function locator(
  options: NamesOptions,
  canHold: (path: string) => boolean = () => true,
): (name: string) => SecretLocation | undefined {
  const { names, prefix = '', onlyNamed = false } = ownMembers(options, ['names', 'prefix', 'onlyNamed'])
  const place = placement(names, canHold)
  if (prefix !== '' && !isStorePath(prefix)) {
    throw new SecretsError('CONFIGURATION', '`prefix` is malformed', {
      remedy: 'use at most 2,048 characters, none of them a control character',
    })
  }
  return (name) => {
    const location = place(name) ?? (onlyNamed ? undefined : { path: prefix + name })
    return location && canHold(location.path) ? location : undefined
  }
}

function placement(names: NamesOptions['names'], canHold: (path: string) => boolean): (name: string) => SecretLocation | undefined {
  if (names === undefined) return () => undefined
  if (typeof names === 'function') {
    return (name) => {
      const target = names(name)
      return target === undefined ? undefined : locationOf(name, target)
    }
  }
  // An array or a Map would place nothing, and leave every name to the prefix.
  if (!isRecord(names)) {
    throw new SecretsError('CONFIGURATION', '`names` is neither a plain object nor a function', {
      remedy: "write { NAME: 'path' }; of a Map, Object.fromEntries(map)",
    })
  }
  const placed = new Map(Object.entries(names).map(([name, target]) => [name, heldLocation(name, target, canHold)]))
  return (name) => placed.get(name)
}

/** A target in a map was written by somebody, who would otherwise read for ever that the secret is not found; a function computes it. */
function heldLocation(name: string, target: Target, canHold: (path: string) => boolean): SecretLocation {
  const location = locationOf(name, target)
  if (canHold(location.path)) return location
  throw new SecretsError('CONFIGURATION', `\`names\` places ${quoted(name)} at a path that this store cannot hold`, {
    remedy: `correct ${quoted(location.path)}, or leave the name to another provider`,
  })
}

function locationOf(name: string, target: Target): SecretLocation {
  const location = typeof target === 'string' ? parseTarget(target) : target
  if (isStorePath(own(location, 'path')) && own(location, 'field') !== '') return location
  throw new SecretsError('CONFIGURATION', `\`names\` places ${quoted(name)} at a malformed target`, {
    remedy: "write 'path', 'path#field' or { path, field }, without control characters",
  })
}

function parseTarget(target: string): SecretLocation {
  const hash = target.indexOf('#')
  return hash === -1 ? { path: target } : { path: target.slice(0, hash), field: target.slice(hash + 1) }
}
