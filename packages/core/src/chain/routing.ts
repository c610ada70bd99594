import type { ProviderCache } from '../cache/provider-cache.ts'
import type { SharedCacheClient } from '../cache/shared/shared-cache-client.ts'
import type { CircuitBreaker } from '../guard/circuit-breaker.ts'
import type { OutageWarning } from '../guard/outage-warning.ts'
import type { PartHealth } from '../contract/audit.ts'
import type { SharedFormers } from '../contract/shared-cache.ts'
import type { SecretLocation, SecretProvider } from '../contract/provider.ts'
import { ownMembers } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { Aliases, SecretAlias } from './aliases.ts'
import { assertValidName } from './names.ts'

export interface ChainEntry {
  /** Guarded: every call ends, and rejects only with a `SecretsError`. */
  readonly provider: SecretProvider
  readonly store: ProviderCache
  readonly outage: OutageWarning
  readonly circuit: Pick<CircuitBreaker, 'outage'>
  readonly shared: SharedCacheClient | undefined
  /** The same for all that read one store: its `sharedAs`, or else the provider as it was passed. */
  readonly storeId: unknown
  /** What a fleet knows of former values, over a shared cache that keeps them. */
  readonly formers: SharedFormers | undefined
  /** Of the shared cache; `undefined` without one. */
  readonly sharedHealth: () => PartHealth | undefined
}

export interface Location {
  readonly chainEntry: ChainEntry
  readonly path: string
  /** Fields to extract, from the outside in. */
  readonly fields: readonly string[]
  /** Named fields are read and written as their JSON text. */
  readonly isJson?: boolean
}

export type Locations = readonly Location[]

export interface Route {
  readonly name: string
  /** What the providers locate: the name, unless that is an alias. */
  readonly target: string
  readonly locations: Locations
  /** Thrown inside the operation, so that the failure is audited. */
  readonly failure: SecretsError | undefined
}

/** Names may come from users, so memory is bounded. */
const mostRemembered = 10_000

/** The function throws `INVALID_ARGUMENT` for an invalid name. */
export function locating(chainEntries: readonly ChainEntry[], aliases: Aliases = new Map()): (name: string) => Route {
  const remembered = new Map<string, Route>()
  return (name) => {
    const known = remembered.get(name)
    if (known !== undefined) return known
    assertValidName(name)
    const route = routeOf(name, chainEntries, aliases.get(name) ?? { name, field: undefined, json: undefined })
    if (route.failure !== undefined) return route
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(name, route)
    return route
  }
}

function routeOf(name: string, chainEntries: readonly ChainEntry[], alias: SecretAlias): Route {
  const { name: target } = alias
  try {
    const locations = chainEntries.flatMap((chainEntry) => locationOf(chainEntry, target) ?? [])
    return { name, target, locations: locations.map((location) => aliased(location, alias)), failure: undefined }
  } catch (error) {
    if (SecretsError.isInstance(error)) return { name, target, locations: [], failure: error }
    throw error
  }
}

/** An alias of a field is extracted after the provider's own field. */
function aliased(location: Location, { field, json = false }: SecretAlias): Location {
  if (field !== undefined) return { ...location, fields: [...location.fields, field] }
  return json && location.fields.length === 0 ? { ...location, isJson: true } : location
}

export function locationsOf({ locations, failure }: Route): Locations {
  if (failure !== undefined) throw failure
  return locations
}

function locationOf(chainEntry: ChainEntry, name: string): Location | undefined {
  const location = located(chainEntry.provider, name)
  if (location === undefined) return undefined
  // All members are own, so that a polluted prototype adds none.
  return { chainEntry, path: location.path, fields: location.field === undefined ? [] : [location.field], isJson: false }
}

function located({ name: provider, locate }: SecretProvider, name: string): SecretLocation | undefined {
  if (locate === undefined) return { path: name, field: undefined }
  try {
    const answer = locate(name)
    const location = answer && ownMembers(answer, ['path', 'field'])
    // A line feed divides path and version in cache keys.
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
