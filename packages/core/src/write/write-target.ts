import { describeAt, type DescribeCall, describeCurrent } from '../chain/describe.ts'
import type { CallContext, SecretDescription, SecretProvider, StoredSecret } from '../contract/provider.ts'
import { quoted } from '../errors/format.ts'
import type { Location, Locations } from '../chain/routing.ts'
import { isOutage } from '../errors/error-classes.ts'
import { SecretsError, withContext } from '../errors/secrets-error.ts'
import { wipe } from '../guard/check-answer.ts'
import { attemptOf, notSure } from '../errors/unresolved-error.ts'
import type { FallbackTraversal } from '../chain/chain.ts'
import type { Metadata } from '../observe/operation.ts'

export interface Target {
  readonly location: Location
  /** The current version; `null`: there is none; `undefined`: not asked. */
  readonly before?: Pick<SecretDescription, 'version' | 'revision' | 'exclusive'> | null | undefined
  /** The whole current secret, if it was read. */
  readonly current?: StoredSecret | undefined
}

/**
 * The named provider, or the first that can write. Throws unless reads will find the value there.
 */
export async function targetOfStore(
  name: string,
  locations: Locations,
  provider: string | undefined,
  context: CallContext,
): Promise<Target> {
  const location = provider === undefined ? firstWritable(name, locations) : locationAt(name, locations, provider)
  for (const earlier of locations.slice(0, locations.indexOf(location))) await assertSilent(name, earlier, location, context)
  return { location, before: undefined }
}

/** `undefined` if there is none. Throws `UNAVAILABLE` if an earlier provider is unreachable. */
export async function targetOfCurrent(
  traversal: FallbackTraversal<Location>,
  context: CallContext,
  describeCall: DescribeCall<SecretDescription | StoredSecret> = describeAt,
): Promise<Target | undefined> {
  const found = await describeCurrent(traversal, context, describeCall)
  if (found === undefined) return undefined
  const { location, description } = found
  if (traversal.degraded) {
    wipe(description)
    throw traversal.notSure(location.chainEntry.provider.name)
  }
  return { location, before: description, current: 'value' in description ? description : undefined }
}

/** Throws `CONFIGURATION` if the provider is not in the chain or does not hold the name. */
export function locationAt(name: string, locations: Locations, provider: string): Location {
  const location = locations.find(({ chainEntry }) => chainEntry.provider.name === provider)
  if (location !== undefined) return location
  throw new SecretsError('CONFIGURATION', `no provider ${quoted(provider)} that holds this name`, {
    secret: name,
    remedy: 'name one of the chain, and see its names, onlyNamed and grammar',
  })
}

/**
 * Reads the secret instead of describing it if the write must know its fields; both cost one
 * request.
 */
export function wholeAt(location: Location, context: CallContext): Promise<SecretDescription | StoredSecret | undefined> {
  if (location.fields.length > 0 || !keepsFields(location)) return describeAt(location, context)
  const { chainEntry, path } = location
  return chainEntry.store.describe(path, () => chainEntry.provider.get(path, context), 'read')
}

export function keepsFields({ chainEntry: { provider }, path }: Location): boolean {
  try {
    return provider.keepsFields?.(path) === true
  } catch {
    throw new SecretsError('INTERNAL', 'the provider cannot say how it keeps the secret', {
      provider: provider.name,
      remedy: 'its keepsFields() must return a boolean',
    })
  }
}

function answersFirst(name: string, provider: string, target: Location): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    `'${provider}' answers this name first, so a write to '${target.chainEntry.provider.name}' would never be read`,
    { secret: name, remedy: `write to '${provider}', or route the name away from it` },
  )
}

function firstWritable(name: string, locations: Locations): Location {
  const location = locations.find(({ chainEntry }) => chainEntry.provider.put !== undefined)
  if (location !== undefined) return location
  throw new SecretsError('UNSUPPORTED', 'no provider that holds this name can be written', {
    secret: name,
    remedy: 'add one that can, or place the name in one',
  })
}

/** Throws if the earlier provider has the name, or may have it: it would hide the written value. */
async function assertSilent(name: string, earlier: Location, target: Location, context: CallContext): Promise<void> {
  const [answer] = await Promise.allSettled([describeAt(earlier, context)])
  const provider = earlier.chainEntry.provider.name
  if (answer.status === 'fulfilled' && answer.value === undefined) return
  if (answer.status === 'fulfilled') throw answersFirst(name, provider, target)
  // A provider without credentials is not in use here.
  const error: SecretsError = answer.reason
  if (error.code === 'CREDENTIALS_MISSING') return
  throw isOutage(error.code)
    ? notSure(name, target.chainEntry.provider.name, [attemptOf(provider, error, 0)])
    : withContext(error, { secret: name, provider })
}

export function recordProvider(metadata: Metadata, { chainEntry }: Location): SecretProvider {
  metadata.provider = chainEntry.provider.name
  return chainEntry.provider
}
