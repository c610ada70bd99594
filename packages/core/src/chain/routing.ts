import type { CachedStore } from '../cache/provider-cache.ts'
import type { Outage } from '../guard/outage-warning.ts'
import type { SecretLocation, SecretProvider } from '../contract/provider.ts'
import { assertValidName } from '../options/names.ts'
import { ownMembers } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** One provider of a chain, with the cache of its store. */
export interface Link {
  /** Guarded: every call ends, and rejects with a `SecretsError`. */
  readonly provider: SecretProvider
  readonly store: CachedStore
  readonly outage: Outage
}

/** Where one provider of the chain keeps a name. */
export interface Place {
  readonly link: Link
  readonly path: string
  /** Fields to cut, one inside the other. */
  readonly fields: readonly string[]
}

export type Plan = readonly Place[]

/** Where each provider keeps a name, in the chain's order, without those that do not hold it. */
export interface Route {
  readonly name: string
  readonly plan: Plan
  /** Why that cannot be told: it belongs into the operation, and so into its audit record. */
  readonly failure: SecretsError | undefined
}

/** Names may come from users: what is remembered of them is bounded. */
const mostRemembered = 10_000

/** Returns what looks a name's route up and remembers it. Throws `INVALID_ARGUMENT` for what is no name. */
export function locating(links: readonly Link[]): (name: string) => Route {
  const remembered = new Map<string, Route>()
  return (name) => {
    const known = remembered.get(name)
    if (known !== undefined) return known
    assertValidName(name)
    const route = routeOf(name, links)
    if (route.failure !== undefined) return route
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(name, route)
    return route
  }
}

function routeOf(name: string, links: readonly Link[]): Route {
  try {
    return { name, plan: links.flatMap((link) => placeOf(link, name) ?? []), failure: undefined }
  } catch (error) {
    if (SecretsError.isInstance(error)) return { name, plan: [], failure: error }
    throw error
  }
}

/** Throws what kept the route from being found. */
export function planOf({ plan, failure }: Route): Plan {
  if (failure !== undefined) throw failure
  return plan
}

function placeOf(link: Link, name: string): Place | undefined {
  const location = located(link.provider, name)
  return location && { link, path: location.path, fields: location.field === undefined ? [] : [location.field] }
}

function located({ name: provider, locate }: SecretProvider, name: string): SecretLocation | undefined {
  if (locate === undefined) return { path: name, field: undefined }
  try {
    const answer = locate(name)
    const location = answer && ownMembers(answer, ['path', 'field'])
    // A line feed would make one path's key another path's version in the cache.
    if (location === undefined || !location.path.includes('\n')) return location
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
  }
  throw new SecretsError('INTERNAL', 'the provider cannot say where it keeps the name', {
    secret: name,
    provider,
    remedy: 'its locate() must be pure and return a path or undefined',
  })
}
