import type { SecretProvider } from '@finchat/secrets-core'

/** Members of the contract that this provider has, where a provider may leave them out. */
export type Provides<Member extends keyof SecretProvider> = { readonly [each in Member]-?: NonNullable<SecretProvider[each]> }
