import type { SecretLocation } from '../contract/provider.ts'
import { isRecord, own, ownMembers } from '../errors/own-properties.ts'
import { quoted } from '../errors/format.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** A store's own path, as `path`, `path#field` or an object. */
export type Target = string | SecretLocation

/** Options of every provider that map names to paths. */
export interface NamesOptions {
  /**
   * Maps names to the store's own paths: an object, or a function that returns `undefined` for
   * other names.
   */
  readonly names?: Readonly<Record<string, Target>> | ((name: string) => Target | undefined) | undefined
  /** Precedes every name that `names` does not map. */
  readonly prefix?: string | undefined
  /** The provider holds only mapped names, and is never asked for others. */
  readonly onlyNamed?: boolean | undefined
}

/**
 * Makes a provider's `locate` from its options: `locate: locator(options)`.
 *
 * Returns a pure function from a name to its location. It returns `undefined` if the provider does
 * not hold the name, or if `canHold` says that the store cannot. Throws `CONFIGURATION` if `names`
 * or `prefix` is malformed, or if a mapped path cannot be held, or no name behind `prefix`.
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
  const mapped = mappedLocations(names, canHold)
  if (prefix !== '' && !(isStorePath(prefix) && (onlyNamed || holdsNames(prefix, canHold)))) {
    throw new SecretsError('CONFIGURATION', '`prefix` is malformed, or this store can hold no name behind it', {
      remedy: 'correct its slashes, case and characters',
    })
  }
  return (name) => {
    const location = mapped(name) ?? (onlyNamed ? undefined : { path: prefix + name })
    return location && canHold(location.path) ? location : undefined
  }
}

/** Some of these can be held by every store that keeps plain names. */
const plainNames = ['a', 'A', '0', 'a/a']

/** Otherwise the store would never be asked, and a weaker one would answer every name. */
function holdsNames(prefix: string, canHold: (path: string) => boolean): boolean {
  return plainNames.some((name) => canHold(prefix + name)) || !plainNames.some((name) => canHold(name))
}

function mappedLocations(names: NamesOptions['names'], canHold: (path: string) => boolean): (name: string) => SecretLocation | undefined {
  if (names === undefined) return () => undefined
  if (typeof names === 'function') {
    return (name) => {
      const target = names(name)
      return target === undefined ? undefined : locationOf(name, target)
    }
  }
  // An array or a Map would map nothing and leave every name to the prefix.
  if (!isRecord(names)) {
    throw new SecretsError('CONFIGURATION', '`names` is neither a plain object nor a function', {
      remedy: "write { NAME: 'path' }; of a Map, Object.fromEntries(map)",
    })
  }
  const byName = new Map(Object.entries(names).map(([name, target]) => [name, heldLocation(name, target, canHold)]))
  return (name) => byName.get(name)
}

/** Refused early, since reads of a fixed path that cannot exist would always say "not found". */
function heldLocation(name: string, target: Target, canHold: (path: string) => boolean): SecretLocation {
  const location = locationOf(name, target)
  if (canHold(location.path)) return location
  throw new SecretsError('CONFIGURATION', `\`names\` places ${quoted(name)} at a path that this store cannot hold`, {
    remedy: 'correct its path, or leave the name to another provider', // the path may be a secret by mistake
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

/** The longest path that core passes to a provider. */
const longestPath = 2_048

/**
 * Returns whether this is a path that any provider may get: well-formed text of 1 to 2,048
 * characters without control characters. A store that holds fewer paths checks its own grammar.
 *
 * @example
 * import { isStorePath } from '@finchat/secrets-core/provider'
 *
 * console.log(isStorePath('prod/db'), isStorePath('prod\n'), isStorePath('')) // true false false
 */
export function isStorePath(path: unknown): path is string {
  return typeof path === 'string' && path.length > 0 && path.length <= longestPath && path.isWellFormed() && !/\p{Cc}/u.test(path)
}
