import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { type AnsweredIdentity, isSameSecret, parseArn } from './arn.ts'
import { isUnreleased, madeNumberOf, numberOf, promotedAt, versionIdOf, wasStaged } from './labels.ts'
import type { OutputOf } from './sdk.ts'

/** The account and region that the options name; a shared cache relies on them. */
export interface Origin {
  readonly account: string | undefined
  readonly region: string | undefined
}

export interface AnsweredVersion {
  readonly secret: StoredSecret & { readonly revision: string }
  readonly labels: readonly string[]
  /** Epoch milliseconds of its creation; it may have become current later. */
  readonly createdAt: number | undefined
}

type ValueAnswer = AnsweredIdentity &
  Pick<OutputOf<'GetSecretValue'>, 'VersionId' | 'VersionStages' | 'SecretString' | 'SecretBinary' | 'CreatedDate'>

/** Throws unless the whole answer is understood: a guess could be another value. */
export function versionOf(answer: ValueAnswer): AnsweredVersion {
  const { ARN: arn, VersionId: revision, CreatedDate: created } = answer
  const labels = labelsOf(answer.VersionStages)
  if (!isText(arn) || !isText(revision)) throw unexpectedAnswer()
  const value = valueOf(answer)
  const version = numberOf(labels)
  const createdAt = created instanceof Date ? created.getTime() : undefined
  const currentSince = currentSinceOf({ arn, revision, labels }, createdAt)
  return { secret: { value, version, revision, currentSince, currentNotBefore: createdAt }, labels, createdAt }
}

/** AWS stores text or bytes, and neither empty. */
function valueOf({ SecretString: text, SecretBinary: bytes }: ValueAnswer): string | Uint8Array {
  if (bytes === undefined && isText(text) && text.isWellFormed()) return text
  if (text === undefined && bytes instanceof Uint8Array && bytes.length > 0) return Uint8Array.from(bytes)
  throw unexpectedAnswer()
}

/** The version, unless it is the placeholder for an unreleased first version. */
export function releasedVersion(answered: AnsweredVersion): AnsweredVersion | undefined {
  return isUnreleased(answered.labels) ? undefined : answered
}

interface VersionLabels {
  readonly arn: string
  readonly revision: string
  readonly labels: readonly string[]
}

/** When the version became current, by AWS's clock; `undefined` if another tool made it so. */
export function currentSinceOf(version: VersionLabels, createdAt: number | undefined): number | undefined {
  if (isWrittenByUs(version)) return createdAt
  const promoted = promotedAt(version.labels)
  // The time of a promotion has whole seconds.
  return promoted === undefined ? undefined : Math.max(promoted, createdAt ?? 0)
}

/** Whether this provider made the version current, and so knows when. */
export function isDated(version: VersionLabels): boolean {
  return isWrittenByUs(version) || promotedAt(version.labels) !== undefined
}

/** The call that created such a version also made it current. */
function isWrittenByUs({ arn, revision, labels }: VersionLabels): boolean {
  const number = madeNumberOf(labels)
  return number !== undefined && !wasStaged(labels) && revision === versionIdOf(arn, number)
}

/** Why this answer cannot be about the secret at `path`; `undefined` if it can. */
export function mismatchOf(answer: object, path: string, origin: Origin): SecretsError | undefined {
  const { ARN: arn, Name: name }: AnsweredIdentity = answer
  if (!isText(arn) || !isText(name)) return unexpectedAnswer()
  if (!isSameSecret(path, answer)) return another()
  return isFrom(arn, path, origin) ? undefined : elsewhere()
}

function another(): SecretsError {
  return new SecretsError('INTERNAL', 'AWS answered with another secret than the one asked for', {
    remedy: 'check whether `endpoint` is AWS: some emulators answer without the ARN',
  })
}

/** An ARN names its own account and region. */
function isFrom(arn: string, path: string, { account, region }: Origin): boolean {
  if (account === undefined || parseArn(path) !== undefined) return true
  const found = parseArn(arn)
  return found?.account === account && found.region === region
}

function elsewhere(): SecretsError {
  return new SecretsError('CONFIGURATION', 'the secret belongs to another account or region than the options name', {
    remedy: 'correct `account` and `region`, or the credentials',
  })
}

export function labelsByIdOf(answered: unknown): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(answered ?? {}).map(([id, labels]) => [id, labelsOf(labels)]))
}

/** A list from an answer; absent means empty. */
export function listOf<Item extends object>(answered: readonly Item[] | undefined): readonly Item[] {
  const items: unknown = answered ?? [] // its static type is only what AWS promises
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'object' && item !== null)) throw unexpectedAnswer()
  return items
}

interface AnsweredTag {
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

/** With own properties only, whatever the keys. */
export function tagsOf(answered: readonly AnsweredTag[] | undefined): Record<string, string> {
  return Object.fromEntries(
    listOf(answered).map(({ Key: key, Value: value = '' }) => {
      if (typeof key !== 'string' || typeof value !== 'string') throw unexpectedAnswer()
      return [key, value]
    }),
  )
}

/** The token of the page to fetch. */
export interface Page {
  readonly NextToken?: string | undefined
}

/** Yields each page. A repeated token would loop forever. */
export async function* pagesOf<Answer extends Page>(fetch: (next: Page) => Promise<Answer>): AsyncGenerator<Answer> {
  const tokens = new Set<unknown>()
  let next: Page | undefined = {}
  while (next !== undefined) {
    const page: Answer = await fetch(next)
    yield page
    const { NextToken } = page
    if (tokens.has(NextToken)) throw unexpectedAnswer()
    tokens.add(NextToken)
    next = NextToken === undefined ? undefined : { NextToken }
  }
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

export function labelsOf(answered: unknown = []): readonly string[] {
  if (Array.isArray(answered) && answered.every(isText)) return answered
  throw unexpectedAnswer()
}

/** AWS answers each change with 200, and some without content. A proxy may send another success. */
export function assertDone({ $metadata }: { readonly $metadata?: { readonly httpStatusCode?: number | undefined } }): void {
  if (($metadata?.httpStatusCode ?? 200) !== 200) throw unexpectedAnswer()
}

export function unexpectedAnswer(): SecretsError {
  return new SecretsError('INTERNAL', 'AWS sent an answer that is not understood', {
    remedy: 'check whether `endpoint` is that of AWS Secrets Manager',
  })
}

export function deleted(): SecretsError {
  return new SecretsError('DELETED', 'the secret is scheduled for deletion', { remedy: 'restore it, or purge it for good' })
}
