import type { SecretProvider } from '../contract/provider.ts'
import type { ChainEntry } from '../chain/routing.ts'
import { chainEntryOf } from '../manager/build-chain.ts'
import { settingsOf } from '../manager/manager-options.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { tracing } from '../observe/trace-channels.ts'

/** A provider as a manager by itself holds it, which has no secret unless its members say otherwise. */
export function chainEntryTo(members: Partial<SecretProvider>, closing: AbortSignal = new AbortController().signal): ChainEntry {
  const provider: SecretProvider = { specificationVersion: 'v1', name: 'p', get: async () => undefined, ...members }
  return chainEntryOf(provider, {
    shared: undefined,
    settings: settingsOf({ providers: [provider] }),
    bounds: { deadlineMs: 5_000, closing },
    closingFills: closing,
    zeroizer: new Zeroizer(),
    tracing: tracing(),
  })
}
