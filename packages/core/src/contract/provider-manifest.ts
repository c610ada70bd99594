import type { SecretProvider } from './provider.ts'

/** The members of the contract that a provider may leave out. */
export type OptionalMember = Exclude<
  keyof SecretProvider,
  'specificationVersion' | 'name' | 'locate' | 'keepsFields' | 'sharedAs' | 'get' | 'close'
>

/**
 * What a provider states in public of what it supports and what its store can hold. Packages export theirs, so that
 * users can read it and the conformance suite skips by it and by nothing else.
 */
export interface ProviderManifest {
  /** The optional members that it has; the suite checks that it has no others. */
  readonly supports: readonly OptionalMember[]
  readonly values: { readonly minBytes: number; readonly maxBytes: number; readonly binary: boolean }
  /** Whether the store's grammar can hold this path; a path that it cannot hold is `INVALID_ARGUMENT` before any call. */
  readonly canHoldPath: (path: string) => boolean
  /** `any`: a write may take every number above the last. `next`: the store counts by itself. Absent: no numbers. */
  readonly numbering?: 'any' | 'next' | undefined
}
