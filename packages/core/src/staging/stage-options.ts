import { checkedNote } from '../kit/note.ts'
import { assertField, callMembers, type CallOptions, knownCallOptions } from '../options/call-options.ts'
import type { MembersOf } from '../options/known-options.ts'
import { choiceMembers, knownTags, type ProviderChoice } from '../write/write-options.ts'

/** Options of `stageSecret`. */
export interface StageOptions extends ProviderChoice {
  /** Stage only this field, a key or a JSON pointer, and keep the others. */
  readonly field?: string | undefined
  /** Who stages it and by which plan. Kept with the staged version; never secret, and never a tag. */
  readonly note?: Readonly<Record<string, string>> | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

const stageMembers: MembersOf<StageOptions> = { ...choiceMembers, field: 'any', note: 'any', tags: 'any' }

/** Throws `INVALID_ARGUMENT` for options that would be misread or not be stored exactly. */
export function knownStageOptions(options: StageOptions): StageOptions {
  const known = knownCallOptions(options, stageMembers)
  assertField(known.field)
  return { ...known, note: checkedNote(known.note), tags: known.tags === undefined ? undefined : knownTags(known.tags, false) }
}

export function knownPlainOptions(options: CallOptions): CallOptions {
  return knownCallOptions(options, callMembers)
}
