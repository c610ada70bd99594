import type { CallContext, SecretDescription } from '../contract/provider.ts'
import { SecretNotFoundError, SecretsError } from '../errors/secrets-error.ts'
import { descriptionOf, wipe } from '../value/check-stored-secret.ts'
import type { Walk } from './fallback-traversal.ts'
import type { Place } from './routing.ts'

/** How what is current at a place is looked at. */
export type Look<Found extends SecretDescription> = (place: Place, context: CallContext) => Promise<Found | undefined>

/** The first place along the walk that has the secret, and what is current there; `undefined` if it is nowhere. Throws what the walk ends with. */
export async function describeCurrent<Found extends SecretDescription>(
  walk: Walk<Place>,
  context: CallContext,
  look: Look<Found>,
): Promise<{ place: Place; description: Found } | undefined> {
  for (let place = walk.step; place !== undefined; place = walk.step) {
    const { name: provider } = place.link.provider
    const [answer] = await Promise.allSettled([look(place, context)])
    if (answer.status === 'rejected') walk.failed(provider, answer.reason, 0)
    else if (answer.value === undefined) walk.missing(provider, 0)
    else return { place, description: answer.value }
  }
  const end = walk.end()
  if (end instanceof SecretNotFoundError) return undefined
  throw end
}

/** What is current at a place, without its value: by `describe` where the provider has it. */
export async function describeAt({ link, path }: Place, context: CallContext): Promise<SecretDescription | undefined> {
  const { describe, get } = link.provider
  try {
    if (describe !== undefined) return await link.store.describe(path, () => describe(path, context))
  } catch (error) {
    // The same as not having it.
    if (!SecretsError.isInstance(error) || error.code !== 'UNSUPPORTED') throw error
  }
  const secret = await link.store.describe(path, () => get(path, context), 'read')
  if (secret === undefined) return undefined
  wipe(secret)
  return descriptionOf(secret)
}
