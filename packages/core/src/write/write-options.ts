import { assertField, assertVersion, callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import { isRecord } from '../errors/own-properties.ts'
import type { MembersOf } from '../options/known-options.ts'
import { SecretsError } from '../errors/secrets-error.ts'

export interface ProviderChoice extends CallOptions {
  /** The provider to act on, by name. It must hold the secret's name. */
  readonly provider?: string | undefined
}

export interface WriteOptions extends ProviderChoice {
  /** The number this write must create, else `VERSION_CONFLICT`; 1: only if there never was one. Absent: the next. */
  readonly version?: number | undefined
  /** Write only this field of the secret, a key or a JSON pointer; the others stay. Needed where there are several, unless all are given as an object. */
  readonly field?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

export interface DeleteOptions extends ProviderChoice {
  /** For good, of a secret that was withdrawn before too; otherwise as the store lets `restoreSecret` undo it. */
  readonly purge?: boolean | undefined
}

export const choiceMembers: MembersOf<ProviderChoice> = { ...callMembers, provider: 'string' }
export const deleteMembers: MembersOf<DeleteOptions> = { ...choiceMembers, purge: 'boolean' }
const writeMembers: MembersOf<WriteOptions> = { ...choiceMembers, version: 'any', field: 'any', tags: 'any' }

/** A copy of the options. Throws `INVALID_ARGUMENT` for what would be misread, or could not be read back as it was written. */
export function knownWriteOptions(options: WriteOptions): WriteOptions {
  const known = knownCallOptions(options, writeMembers)
  assertVersion(known.version)
  assertField(known.field)
  return known.tags === undefined ? known : { ...known, tags: knownTags(known.tags, false) }
}

/** A copy of the tags: text, or null where some may go. The caller may change its own. */
export function knownTags<Tags extends Readonly<Record<string, string | null>>>(tags: Tags, mayGo: boolean): Tags {
  const isTag = (tag: unknown): boolean => (typeof tag === 'string' && tag.isWellFormed()) || (mayGo && tag === null)
  if (isRecord(tags) && Object.values(tags).every(isTag)) return { ...tags }
  throw new SecretsError('INVALID_ARGUMENT', 'the tags are not an object of texts', { remedy: "pass { team: 'pay' }" })
}
