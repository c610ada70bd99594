import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { isSameSecret, parseArn } from './arn.ts'
import { isUnreleased, madeNumberOf, numberOf, stagedNumberOf, versionIdOf } from './labels.ts'
import type { OutputOf } from './sdk.ts'

/** What an answer must come from: an account and region that the options name, since a shared cache relies on them. */
export interface Origin {
  readonly account: string | undefined
  readonly region: string | undefined
}

/** One version as AWS answers it, with its labels. */
export interface AnsweredVersion {
  readonly secret: StoredSecret & { readonly revision: string }
  readonly labels: readonly string[]
  /** Epoch milliseconds; not when it became current. */
  readonly createdAt: number | undefined
}

type ValueAnswer = Pick<
  OutputOf<'GetSecretValue'>,
  'ARN' | 'Name' | 'VersionId' | 'VersionStages' | 'SecretString' | 'SecretBinary' | 'CreatedDate'
>

/** Understands an answer whole, or throws: a guess could be another secret's value. */
export function versionOf(answer: ValueAnswer, path: string, origin: Origin): AnsweredVersion {
  const { ARN: arn, Name: name, VersionId: revision, VersionStages: labels = [], CreatedDate: created } = answer
  const value = answer.SecretString ?? answer.SecretBinary
  // Its types are what AWS promises, and not what an endpoint sends.
  if (![arn, name, revision].every(isText) || arn === undefined || name === undefined || revision === undefined) throw garbled()
  if (!Array.isArray(labels) || !labels.every(isText)) throw garbled()
  if (!isText(value) && !(value instanceof Uint8Array)) throw garbled()
  if (!isSameSecret(path, { name, arn })) throw new SecretsError('INTERNAL', 'AWS answered with another secret than the one asked for')
  assertOrigin(arn, path, origin)
  const version = numberOf(labels)
  const createdAt = created instanceof Date ? created.getTime() : undefined
  const currentSince = isWrittenByUs(arn, revision, labels) ? createdAt : undefined
  return {
    secret: { value: typeof value === 'string' ? value : Uint8Array.from(value), version, revision, currentSince },
    labels,
    createdAt,
  }
}

/** The same, but for a version that no read shows. */
export function releasedVersion(answered: AnsweredVersion): AnsweredVersion | undefined {
  return isUnreleased(answered.labels) ? undefined : answered
}

/**
 * Such a version was made current by the call that created it. Of all others AWS does not tell when they became current: they were created by
 * a rotation that took its time, or staged for days.
 */
export function isWrittenByUs(arn: string, revision: string, labels: readonly string[]): boolean {
  const number = madeNumberOf(labels)
  return number !== undefined && stagedNumberOf(labels) === undefined && revision === versionIdOf(arn, number)
}

function assertOrigin(arn: string, path: string, { account, region }: Origin): void {
  if (account === undefined || parseArn(path) !== undefined) return
  const found = parseArn(arn)
  if (found?.account === account && found.region === region) return
  throw new SecretsError('CONFIGURATION', 'the secret is of another account or region than the options say', {
    remedy: 'correct `account` and `region`, or the credentials',
  })
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

export function garbled(): SecretsError {
  return new SecretsError('INTERNAL', 'AWS answered what is not understood')
}
