import type { SecretsErrorCode } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'

type Classification = readonly [code: SecretsErrorCode, problem: string, remedy?: string]

/** By the first word of an error reply. */
const classes: Readonly<Record<string, Classification>> = {
  WRONGPASS: ['UNAUTHENTICATED', 'the server refused the login'],
  NOAUTH: ['UNAUTHENTICATED', 'the server needs a login'],
  NOPERM: [
    'PERMISSION_DENIED',
    'the connected user may not change ACLs behind the fence',
    'allow it +role +watch +get +set +multi +exec +acl|getuser +acl|setuser +acl|save, and the key of the fence',
  ],
}

/** Returns the first word of an error reply: `WRONGPASS`. An error of the client has none. */
export function replyCode(error: unknown): string | undefined {
  return messageOf(error).match(/^([A-Z]{3,}) /)?.[1]
}

/** Returns what a client's error means. Its own text is dropped: it may quote the command. */
export function redisError(error: unknown): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const reply = replyCode(error)
  const meaning = reply === undefined || !Object.hasOwn(classes, reply) ? undefined : classes[reply]
  if (meaning) return new SecretsError(meaning[0], meaning[1], { remedy: meaning[2], storeStatus: reply })
  if (reply !== undefined) return new SecretsError('UNAVAILABLE', 'the server refused the command', { storeStatus: reply })
  return new SecretsError('UNAVAILABLE', 'the server did not answer', { remedy: 'check that it can be reached', effect: 'unknown' })
}

/** Returns the error for a password that is set in memory only: after a restart the former one is in force. */
export function notSaved(error: unknown): SecretsError {
  const known = redisError(error)
  const remedy = known.remedy ?? 'see why the server cannot write its ACL file, then do it again'
  return new SecretsError(known.code, 'the server set the password and did not save its ACL file', { ...known, remedy, effect: 'unknown' })
}

/** Returns whether `ACL SAVE` has no file to save to. */
export function hasNoAclFile(error: unknown): boolean {
  return messageOf(error).includes('not configured to use an ACL file')
}

/** Returns whether the key belongs to another node of the cluster. */
export function isMoved(error: unknown): boolean {
  return /^(MOVED|ASK) /.test(messageOf(error))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : ''
}
