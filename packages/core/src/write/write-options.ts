import { assertField, assertVersion, callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import { isRecord } from '../errors/own-properties.ts'
import type { MembersOf } from '../options/known-options.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Names the provider of a call; needed where several could take it. */
export interface ProviderChoice extends CallOptions {
  /** The name of the provider to change. It must hold the secret's name. */
  readonly provider?: string | undefined
}

/** Options of `storeSecret` and `rotateSecret`. */
export interface WriteOptions extends ProviderChoice {
  /**
   * The version number to create, else `VERSION_CONFLICT`. 1: only if the secret never existed.
   * Default: the next number.
   */
  readonly version?: number | undefined
  /**
   * Write only this field, a key or a JSON pointer, and keep the others. Required if the secret has
   * several, unless an object gives all.
   */
  readonly field?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

/** Options of `deleteSecret`. */
export interface DeleteOptions extends ProviderChoice {
  /**
   * Delete for good, also after a withdrawal. Otherwise `restoreSecret` can undo it, as far as the
   * store allows.
   */
  readonly purge?: boolean | undefined
}

export const choiceMembers: MembersOf<ProviderChoice> = { ...callMembers, provider: 'string' }
export const deleteMembers: MembersOf<DeleteOptions> = { ...choiceMembers, purge: 'boolean' }
const writeMembers: MembersOf<WriteOptions> = { ...choiceMembers, version: 'any', field: 'any', tags: 'any' }

/** Throws `INVALID_ARGUMENT` for options that would be misread or not be stored exactly. */
export function knownWriteOptions(options: WriteOptions): WriteOptions {
  const known = knownCallOptions(options, writeMembers)
  assertVersion(known.version)
  assertField(known.field)
  return known.tags === undefined ? known : { ...known, tags: knownTags(known.tags, false) }
}

/** A copy of the tags: text, or null if `mayGo`. The caller may change its own. */
export function knownTags<Tags extends Readonly<Record<string, string | null>>>(tags: Tags, mayGo: boolean): Tags {
  const isTag = (tag: unknown): boolean => (typeof tag === 'string' && tag.isWellFormed()) || (mayGo && tag === null)
  if (isRecord(tags) && Object.values(tags).every(isTag)) return { ...tags }
  throw new SecretsError('INVALID_ARGUMENT', 'the tags are not an object of texts', { remedy: "pass { team: 'pay' }" })
}
