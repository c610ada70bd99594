import { SecretsError } from '@finchat/secrets-core'

/** Servers refuse every password of an account that is not in use any more. */
const accountChecks =
  'check that the account is neither expired (VALID UNTIL of PostgreSQL) nor `off` (Redis), that `apply` and `test` concern the same one'

/** The staged value does not work at the target; the current one does. */
export function rolledBack(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'the target refuses the new value, so it was withdrawn and the current one works', {
    secret,
    remedy: `${accountChecks}, and the rules for its values`,
  })
}

/** Neither the staged value nor the current one works. */
export function neitherWorks(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'the target refuses the current value, even after it was set again', {
    secret,
    remedy: `${accountChecks}; the next rotation tries again`,
  })
}

/** The target has seen a token that the store never gave. */
export function aheadOfStore(secret: string): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the target has seen a later attempt than the store has', {
    secret,
    remedy: 'if the store was restored from a backup, reset the fence at the target',
  })
}

/** A promotion of the staged version has begun and did not end, and the target refuses it. */
export function cannotDiscard(secret: string): SecretsError {
  return new SecretsError(
    'VERSION_CONFLICT',
    'the target refuses the new value, and the store does not give it up: its promotion has begun',
    {
      secret,
      remedy: 'the current value works; write it again with rotateSecret, which ends that promotion, and then rotate',
    },
  )
}

/** The staged version of the document was staged for another field of it. */
export function sharedDocument(secret: string, other: string): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'a version is staged for another secret of the same document', {
    secret,
    remedy: `rotate '${other}' first, which shares the document; if there is no such secret any more, discard it with discardSecret`,
  })
}

/** It would count as rotated, with the value that it had. */
export function notNew(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'the target was to get the current value again', {
    secret,
    remedy: 'pass a generator that returns another value each time, such as passwordGenerator()',
  })
}

/** Several rotators changed the secret each time this one looked. */
export function keptChanging(secret: string): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the secret was changed by others all the time', { secret, remedy: 'rotate again' })
}

/** A new rotation would end the grace period of the former value. */
export function inGrace(secret: string, end: number | undefined): SecretsError {
  const retryAt = end === Infinity ? undefined : end
  const until = retryAt === undefined ? 'for an unknown time, since the store tells none' : `until ${new Date(retryAt).toISOString()}`
  return new SecretsError('RATE_LIMITED', `the former value may still be in use ${until}, and a rotation would end it`, {
    secret,
    retryAt,
    remedy: 'rotate later, or pass force: true',
  })
}
