import type { SecretProvider } from '../contract/provider.ts'
import type { Link } from '../chain/routing.ts'
import { linkOf } from '../manager/build-links.ts'
import { settingsOf } from '../manager/manager-options.ts'
import { Shredder } from '../value/zeroizer.ts'
import { tracing } from '../observe/trace-channels.ts'

/** A provider as a manager by itself holds it, which has no secret unless its members say otherwise. */
export function linkTo(members: Partial<SecretProvider>, closing: AbortSignal = new AbortController().signal): Link {
  const provider: SecretProvider = { specificationVersion: 'v1', name: 'p', get: async () => undefined, ...members }
  return linkOf(provider, {
    shared: undefined,
    settings: settingsOf({ providers: [provider] }),
    bounds: { deadlineMs: 5_000, closing },
    closingFills: closing,
    shredder: new Shredder(),
    refreshes: tracing().refresh,
  })
}
