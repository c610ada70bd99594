import { SecretsError } from '@finchat/secrets-core'

/** AWS goes through the steps of secrets whose rotation is switched on. */
export function notRotated(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'rotation is not switched on for the secret', {
    secret,
    remedy: 'aws secretsmanager rotate-secret --rotation-lambda-arn …',
  })
}

/** The secret may be restored. */
export function deleted(secret: string): SecretsError {
  return new SecretsError('DELETED', 'the secret is scheduled for deletion', { secret, remedy: 'restore it, or switch its rotation off' })
}

/** Such as an event of another secret. */
export function unknownVersion(secret: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', 'the ClientRequestToken is no version of the secret', {
    secret,
    remedy: 'let AWS Secrets Manager invoke the function',
  })
}

/** It was withdrawn, or another rotation has begun. */
export function notPending(secret: string): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the version is not staged as AWSPENDING any more, so nothing was changed', {
    secret,
    remedy: 'begin another rotation with aws secretsmanager rotate-secret',
  })
}

/** Such as a version that `retirePrevious` staged, or `rotate` for another field of the document. */
export function nothingToSet(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'the staged version changes nothing of what this function sets', {
    secret,
    remedy: 'finish it where it was staged, or take AWSPENDING from it; then begin a rotation',
  })
}

/** A step after createSecret came first, or another run has given the version up meanwhile. */
export function noValue(secret: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', 'the staged version has no value yet', { secret, remedy: 'createSecret comes first' })
}

/** Another version became current or was staged. The target follows what is current. */
export function overtaken(secret: string): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the secret was written or rotated meanwhile, so this rotation gave way', {
    secret,
    remedy: 'if no other rotation is under way, begin one with aws secretsmanager rotate-secret',
  })
}

/** Nothing of it was set by this function. */
export function refused(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'the target refuses the staged value, which this function did not make', {
    secret,
    remedy: 'check that the secret names the account that `test` of the target logs in with',
  })
}

/** The value was made from a version that is not current any more. */
export function writtenMeanwhile(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'the secret was written meanwhile', {
    remedy: 'the next attempt begins from the current version',
  })
}

/** Before anything is set: the version could not be promoted. */
export function tooManyLabels(secret: string): SecretsError {
  return new SecretsError('CONFIGURATION', 'the secret has no room for the three staging labels of a rotation: AWS allows 20', {
    secret,
    remedy: 'remove labels of other tools with aws secretsmanager update-secret-version-stage',
  })
}
