import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { isWholeNumber } from '@finchat/secrets-core/provider'
import type { ParameterPath } from './names.ts'

/** The account and region that the options name; a shared cache relies on them. */
export interface Origin {
  readonly account?: string | undefined
  readonly region?: string | undefined
}

interface AnsweredParameter {
  readonly Name?: unknown
  readonly Value?: unknown
  readonly Version?: unknown
  readonly LastModifiedDate?: unknown
  readonly ARN?: unknown
}

type Described = Omit<StoredSecret, 'value'> & { readonly version: number }

/**
 * A version's metadata. Throws unless the whole answer is understood, and is the one asked for. AWS
 * makes each version current when it creates it. A label may have moved to it later.
 */
export function describedBy(answer: AnsweredParameter | undefined, { name, selector }: ParameterPath, origin: Origin): Described {
  const { Name, Version: version, LastModifiedDate: created, ARN: arn } = answer ?? {}
  if (typeof Name !== 'string' || !isWholeNumber(version, 1, Number.MAX_SAFE_INTEGER)) throw unexpectedAnswer()
  const isNumber = /^\d/.test(selector ?? '')
  if (Name !== name || (isNumber && Number(selector) !== version)) throw anotherAnswer()
  if (origin.account !== undefined) assertOrigin(arn, origin)
  const createdAt = created instanceof Date ? created.getTime() : undefined
  const isLabel = selector !== undefined && !isNumber
  return { version, currentSince: isLabel ? undefined : createdAt, currentNotBefore: createdAt }
}

export function secretOf(answer: AnsweredParameter | undefined, path: ParameterPath, origin: Origin): StoredSecret {
  const described = describedBy(answer, path, origin)
  const value = answer?.Value
  if (!isText(value) || !value.isWellFormed()) throw unexpectedAnswer()
  return { value, ...described }
}

function assertOrigin(arn: unknown, { account, region }: Origin): void {
  const [, , , foundRegion, foundAccount] = String(arn).split(':')
  if (foundRegion === region && foundAccount === account) return
  throw new SecretsError('CONFIGURATION', 'the parameter belongs to another account or region than the options name', {
    remedy: 'correct `account` and `region`, or the credentials',
  })
}

/** A list from an answer; absent means empty. */
export function listOf<Item extends object>(answered: readonly Item[] | undefined): readonly Item[] {
  const items: unknown = answered ?? [] // its static type is only what AWS promises
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'object' && item !== null)) throw unexpectedAnswer()
  return items
}

/** With own properties only, whatever the keys. */
export function tagsOf(
  answered: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries(
    listOf(answered).map(({ Key: key, Value: value = '' }) => {
      if (typeof key !== 'string' || typeof value !== 'string') throw unexpectedAnswer()
      return [key, value]
    }),
  )
}

interface Page {
  readonly NextToken?: string | undefined
}

/** Yields each page; one may be empty and have a next. A repeated token would loop forever. */
export async function* pagesOf<Answer extends Page>(fetch: (next: Page) => Promise<Answer>): AsyncGenerator<Answer> {
  const seen = new Set<string>()
  for (let next: Page | undefined = {}; next !== undefined;) {
    const page: Answer = await fetch(next)
    yield page
    const { NextToken } = page
    if (NextToken !== undefined && (!isText(NextToken) || seen.has(NextToken))) throw unexpectedAnswer()
    next = NextToken === undefined ? undefined : { NextToken }
    if (NextToken !== undefined) seen.add(NextToken)
  }
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== ''
}

function anotherAnswer(): SecretsError {
  return new SecretsError('INTERNAL', 'AWS answered with another parameter or version than the one asked for')
}

/** AWS answers each change with 200, and some without content. A proxy may send another success. */
export function assertDone({ $metadata }: { readonly $metadata?: { readonly httpStatusCode?: number | undefined } }): void {
  if (($metadata?.httpStatusCode ?? 200) !== 200) throw unexpectedAnswer()
}

export function unexpectedAnswer(): SecretsError {
  return new SecretsError('INTERNAL', 'AWS sent an answer that is not understood', {
    remedy: 'check whether `endpoint` is that of AWS Systems Manager',
  })
}
