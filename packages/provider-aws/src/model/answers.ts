import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { type AnsweredIdentity, isSameSecret, parseArn } from './arn.ts'
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

type ValueAnswer = AnsweredIdentity &
  Pick<OutputOf<'GetSecretValue'>, 'VersionId' | 'VersionStages' | 'SecretString' | 'SecretBinary' | 'CreatedDate'>

/** Understands an answer whole, or throws: a guess could be another value. Its types are what AWS promises, and not what an endpoint sends. */
export function versionOf(answer: ValueAnswer): AnsweredVersion {
  const { ARN: arn, VersionId: revision, CreatedDate: created } = answer
  const labels = labelsOf(answer.VersionStages)
  if (!isText(arn) || !isText(revision)) throw garbled()
  const value = valueOf(answer)
  const version = numberOf(labels)
  const createdAt = created instanceof Date ? created.getTime() : undefined
  const currentSince = isWrittenByUs(arn, revision, labels) ? createdAt : undefined
  return { secret: { value, version, revision, currentSince }, labels, createdAt }
}

/** A version has text or bytes, not both, and AWS stores neither empty. */
function valueOf({ SecretString: text, SecretBinary: bytes }: ValueAnswer): string | Uint8Array {
  if (bytes === undefined && isText(text) && text.isWellFormed()) return text
  if (text === undefined && bytes instanceof Uint8Array && bytes.length > 0) return Uint8Array.from(bytes)
  throw garbled()
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

/** Why this cannot be the answer to what was asked of the secret at `path`; `undefined` if it can. */
export function oddityOf(answer: object, path: string, origin: Origin): SecretsError | undefined {
  const { ARN: arn, Name: name }: AnsweredIdentity = answer
  if (!isText(arn) || !isText(name)) return garbled()
  if (!isSameSecret(path, answer)) return new SecretsError('INTERNAL', 'AWS answered with another secret than the one asked for')
  return isFrom(arn, path, origin) ? undefined : elsewhere()
}

/** An ARN that was asked for says by itself where it is. */
function isFrom(arn: string, path: string, { account, region }: Origin): boolean {
  if (account === undefined || parseArn(path) !== undefined) return true
  const found = parseArn(arn)
  return found?.account === account && found.region === region
}

function elsewhere(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the secret is of another account or region than the options say', {
    remedy: 'correct `account` and `region`, or the credentials',
  })
}

/** The labels of each version, by its id. */
export function labelsByIdOf(answered: unknown): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(answered ?? {}).map(([id, labels]) => [id, labelsOf(labels)]))
}

/** What AWS answers as a list of objects; one that it leaves out is empty. */
export function listOf<Item extends object>(answered: readonly Item[] | undefined): readonly Item[] {
  const items: unknown = answered ?? [] // its type is what AWS promises
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'object' && item !== null)) throw garbled()
  return items
}

interface AnsweredTag {
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

/** As an object with own properties only, whatever the keys are. */
export function tagsOf(answered: readonly AnsweredTag[] | undefined): Record<string, string> {
  return Object.fromEntries(
    listOf(answered).map(({ Key: key, Value: value = '' }) => {
      if (typeof key !== 'string' || typeof value !== 'string') throw garbled()
      return [key, value]
    }),
  )
}

/** What a list begins with, or how it goes on. */
export interface Page {
  readonly NextToken?: string | undefined
}

/** A list, page by page. A token that comes again would lead round in circles. */
export async function* pagesOf<Answer extends Page>(fetch: (next: Page) => Promise<Answer>): AsyncGenerator<Answer> {
  const tokens = new Set<unknown>()
  let next: Page | undefined = {}
  while (next !== undefined) {
    const page: Answer = await fetch(next)
    yield page
    const { NextToken } = page
    if (tokens.has(NextToken)) throw garbled()
    tokens.add(NextToken)
    next = NextToken === undefined ? undefined : { NextToken }
  }
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

/** The labels of one version. */
export function labelsOf(answered: unknown = []): readonly string[] {
  if (Array.isArray(answered) && answered.every(isText)) return answered
  throw garbled()
}

export function garbled(): SecretsError {
  return new SecretsError('INTERNAL', 'AWS answered what is not understood', {
    remedy: 'see whether `endpoint` is that of AWS Secrets Manager',
  })
}

export function deleted(): SecretsError {
  return new SecretsError('DELETED', 'the secret is scheduled for deletion', { remedy: 'restore it, or purge it for good' })
}
