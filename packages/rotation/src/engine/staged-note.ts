import type { SecretValue } from '@finchat/secrets-core'
import type { PendingSecret } from '@finchat/secrets-core/staging'
import type { Run } from './rotate-options.ts'

type Note = Readonly<Record<string, string>>

/**
 * What a staged version is for: `rotate`, or `retire` and `retire now`. The latter two only hold
 * the place while the former value is withdrawn, so that no rotation begins meanwhile.
 */
export type Purpose = 'rotate' | 'retire' | 'retire now'

/** Bytes of UTF-8: a store bounds the whole note. */
const longestMember = 200

/** The note that tells every rotator what it found. */
export function stagedNote(given: Note | undefined, purpose: Purpose, { name, progress: { by } }: Run, current: SecretValue): Note {
  const onto = identityOf(current)
  return {
    ...given,
    purpose,
    secret: cut(name),
    by: cut(by),
    at: new Date().toISOString(),
    ...(onto !== undefined && { onto }),
  }
}

function cut(text: string): string {
  return Buffer.from(text).subarray(0, longestMember).toString()
}

/**
 * The name that a version was staged for, if it is another one. Several names may be fields of one
 * document, which has one staged version.
 */
export function otherSecretOf({ note }: Pick<PendingSecret, 'note'>, { name }: Pick<Run, 'name'>): string | undefined {
  const secret = note?.['secret']
  return secret === cut(name) ? undefined : secret
}

export function isRetirement({ note }: PendingSecret): boolean {
  return note?.['purpose'] === 'retire' || isForced({ note })
}

export function isForced({ note }: Pick<PendingSecret, 'note'>): boolean {
  return note?.['purpose'] === 'retire now'
}

/** The staged value was made from another version than the current one. */
export function isOutdated({ note }: PendingSecret, current: SecretValue): boolean {
  const onto = note?.['onto']
  return onto !== undefined && onto !== identityOf(current)
}

/** The revision first: a version without a number may get one when the next is staged. */
function identityOf({ revision, version }: SecretValue): string | undefined {
  return revision ?? version?.toString()
}
