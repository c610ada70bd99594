import type { CachedStore } from '../cache/provider-cache.ts'
import type { Outage } from '../guard/outage-warning.ts'
import type { SecretLocation, SecretProvider } from '../contract/provider.ts'
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

/** Names may come from users: what is remembered of them is bounded. */
const mostRemembered = 10_000

/** Returns where each provider keeps a name, in the chain's order, without those that do not hold it. Remembers the answer. */
export function planner(links: readonly Link[]): (name: string) => Plan {
  const remembered = new Map<string, Plan>()
  return (name) => {
    const known = remembered.get(name)
    if (known !== undefined) return known
    const plan = links.flatMap((link) => placeOf(link, name) ?? [])
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(name, plan)
    return plan
  }
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
