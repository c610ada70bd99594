import type { CallContext, SecretDescription } from '../contract/provider.ts'
import { SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import { descriptionOf, wipe } from '../value/check-stored-secret.ts'
import type { FallbackTraversal } from './fallback-traversal.ts'
import type { Location } from './routing.ts'

/** How what is current at a location is looked at. */
export type Look<Found extends SecretDescription> = (location: Location, context: CallContext) => Promise<Found | undefined>

/** The first place along the traversal that has the secret, and what is current there; `undefined` if it is nowhere. Throws what the traversal ends with. */
export async function describeCurrent<Found extends SecretDescription>(
  traversal: FallbackTraversal<Location>,
  context: CallContext,
  look: Look<Found>,
): Promise<{ location: Location; description: Found } | undefined> {
  for (let location = traversal.step; location !== undefined; location = traversal.step) {
    const { name: provider } = location.chainEntry.provider
    const [answer] = await Promise.allSettled([look(location, context)])
    if (answer.status === 'rejected') traversal.failed(provider, answer.reason, 0)
    else if (answer.value === undefined) traversal.missing(provider, 0)
    else return { location, description: answer.value }
  }
  const end = traversal.end()
  if (end instanceof SecretNotFoundError) return undefined
  throw end
}

/** What is current at a location, without its value: by `describe` where the provider has it. */
export async function describeAt({ chainEntry, path }: Location, context: CallContext): Promise<SecretDescription | undefined> {
  const { describe, get } = chainEntry.provider
  try {
    if (describe !== undefined) return await chainEntry.store.describe(path, () => describe(path, context))
  } catch (error) {
    // The same as not having it.
    if (!SecretsError.isInstance(error) || error.code !== 'UNSUPPORTED') throw error
  }
  const secret = await chainEntry.store.describe(path, () => get(path, context), 'read')
  if (secret === undefined) return undefined
  wipe(secret)
  return descriptionOf(secret)
}
