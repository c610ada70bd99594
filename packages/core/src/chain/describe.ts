import { hasCode } from '../kit/error-code.ts'
import type { CallContext, SecretDescription } from '../contract/provider.ts'
import { SecretNotFoundError } from '../errors/secrets-error.ts'
import { descriptionOf, wipe } from '../guard/check-answer.ts'
import type { FallbackTraversal } from './chain.ts'
import type { Location } from './routing.ts'

export type DescribeCall<Found extends SecretDescription> = (location: Location, context: CallContext) => Promise<Found | undefined>

/** Returns `undefined` if every store says so. */
export async function describeCurrent<Found extends SecretDescription>(
  traversal: FallbackTraversal<Location>,
  context: CallContext,
  describeCall: DescribeCall<Found>,
): Promise<{ location: Location; description: Found } | undefined> {
  for (let location = traversal.step; location !== undefined; location = traversal.step) {
    const { name: provider } = location.chainEntry.provider
    const [answer] = await Promise.allSettled([describeCall(location, context)])
    if (answer.status === 'rejected') traversal.failed(provider, answer.reason, 0)
    else if (answer.value === undefined) traversal.missing(provider, 0)
    else return { location, description: answer.value }
  }
  const end = traversal.end()
  if (end instanceof SecretNotFoundError) return undefined
  throw end
}

/** Reads the secret where the provider has no `describe`. */
export async function describeAt({ chainEntry, path }: Location, context: CallContext): Promise<SecretDescription | undefined> {
  const { describe, get } = chainEntry.provider
  try {
    if (describe !== undefined) return await chainEntry.store.describe(path, () => describe(path, context))
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
  }
  const secret = await chainEntry.store.describe(path, () => get(path, context), 'read')
  if (secret === undefined) return undefined
  wipe(secret)
  return descriptionOf(secret)
}
