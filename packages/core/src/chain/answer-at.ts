import type { Batch } from '../cache/batch.ts'
import type { VersionSelector } from '../cache/keys/lru.ts'
import { type Found, isVolatile, type ReadMode, type StoreRead } from '../cache/single-flight.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { hasCode } from '../kit/error-code.ts'
import type { Location } from './routing.ts'

export interface ChainRead {
  readonly version?: VersionSelector | 'pending'
  readonly mode: ReadMode
  readonly signal?: AbortSignal | undefined
  readonly fallback?: StoreRead['fallback']
}

/** The first provider that has the secret answers: version 3 elsewhere is another value. */
export function answerAt(location: Location, read: ChainRead, batch?: Batch): Promise<Found | undefined> {
  const { mode, signal, version, fallback } = read
  if (version === 'pending') return location.chainEntry.store.pending.read(location.path, signal)
  return version === undefined
    ? location.chainEntry.store.read({ path: location.path, version, mode, signal, batch, fallback })
    : versionAt(location, { ...read, version })
}

type VersionRead = ChainRead & { readonly version: VersionSelector }

async function versionAt(location: Location, read: VersionRead): Promise<Found | undefined> {
  const { chainEntry, path } = location
  const found = await versioned(location, read)
  if (found !== undefined && !SecretsError.isInstance(found)) return found
  const current = await chainEntry.store.read({
    path,
    version: undefined,
    mode: isVolatile(read.mode) ? 'volatile' : 'cached',
    signal: read.signal,
    batch: undefined,
  })
  if (current === undefined) return undefined
  if (found !== undefined) throw found
  throw versionNotFound(read.version, current)
}

function versionNotFound(version: VersionSelector, { held }: Found): SecretsError {
  const isNumbered = version === 'previous' || held.metadata.version !== undefined
  const unnumbered = isNumbered ? '' : '; versions that something else wrote have no numbers'
  const remedy = `it has the secret, so no other provider is asked${unnumbered}`
  return new SecretsError('NOT_FOUND', `version ${version} not found`, { remedy })
}

/** Returns `UNSUPPORTED`, which counts only if the provider has the secret. */
async function versioned(
  { chainEntry, path }: Location,
  { version, mode, signal }: VersionRead,
): Promise<Found | SecretsError | undefined> {
  try {
    return await chainEntry.store.read({ path, version, mode, signal, batch: undefined })
  } catch (error) {
    if (hasCode(error, 'UNSUPPORTED')) return error
    throw error
  }
}
