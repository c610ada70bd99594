import type { SharedUsage, UsagePath } from '../contract/shared-usage.ts'
import { own } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import type { ManagerParts } from '../manager/parts.ts'

/** Throws `CONFIGURATION` if the manager's shared cache cannot keep marks, or if it has none. */
export function sharedUsageOf({ shared }: ManagerParts): SharedUsage {
  const usage = own(shared, 'usage')
  if (typeof usage === 'object' && usage !== null) return usage as SharedUsage // by the contract
  throw new SecretsError('CONFIGURATION', 'the manager has no shared cache that keeps usage marks', {
    remedy: 'pass cache: { shared: keyvCache({ client, … }) }',
  })
}

/** Where the marks of a name are kept, if this provider answers. Throws `CONFIGURATION` if it shares nothing. */
export function usagePathOf(parts: ManagerParts, name: string, provider: string): UsagePath {
  const location = parts.locate(name).locations.find(({ chainEntry }) => chainEntry.provider.name === provider)
  const sharedAs = location?.chainEntry.storeId
  if (location !== undefined && typeof sharedAs === 'string') return { sharedAs, path: location.path }
  throw new SecretsError('CONFIGURATION', 'the provider has no `sharedAs`, so no usage marks are kept', {
    secret: name,
    provider,
    remedy: 'use a store that a fleet shares, such as AWS or Vault',
  })
}

/** Throws `CONFIGURATION` at once where no provider of the name can have marks. */
export function assertMarkable(parts: ManagerParts, name: string): void {
  sharedUsageOf(parts)
  const { locations } = parts.locate(name)
  const shared = locations.find(({ chainEntry }) => typeof chainEntry.storeId === 'string') ?? locations[0]
  usagePathOf(parts, name, shared?.chainEntry.provider.name ?? '')
}
