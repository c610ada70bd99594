import type { SecretsErrorAttempt, SecretsErrorCode, SecretsErrorDetails } from '../contract/error-codes.ts'
import { descriptor, ownMembers } from './own-properties.ts'

/** `instanceof` fails across two copies of core in one tree. */
const marker = Symbol.for('@finchat/secrets/error')

const detailKeys = ['secret', 'provider', 'remedy', 'retryAt', 'effect', 'storeStatus', 'storeRequestId', 'attempts'] as const
export const attemptKeys: readonly (keyof SecretsErrorAttempt)[] = ['provider', 'code', 'durationMs', 'message', 'remedy', 'retryAt']

/** The secret and the provider of an error; the core adds them. */
export interface SecretsErrorContext {
  readonly secret?: string | undefined
  readonly provider?: string | undefined
}

/**
 * The only error of this project. Programs act on `code`; people read `message`, with the secret,
 * the provider and the remedy. It never holds a value, a credential, a request, a response or
 * another error.
 *
 * @example
 * import { SecretsError } from '@finchat/secrets-core'
 *
 * const error = new SecretsError('RATE_LIMITED', 'the store is throttling', { retryAt: Date.now() + 1000 })
 * console.log(SecretsError.isInstance(error), error.code) // true RATE_LIMITED
 */
export class SecretsError extends Error implements SecretsErrorDetails, SecretsErrorContext {
  static {
    // A polluted Object.prototype must not add details.
    for (const key of [...detailKeys, 'problem']) Object.defineProperty(this.prototype, key, descriptor(undefined, false))
  }

  /** True for a `SecretsError` of any copy of this package. */
  static isInstance(error: unknown): error is SecretsError {
    return typeof error === 'object' && error !== null && Object.hasOwn(error, marker)
  }

  /** The code to act on. */
  readonly code: SecretsErrorCode
  /** The message without place and remedy. */
  declare readonly problem: string
  declare readonly secret?: string
  declare readonly provider?: string
  declare readonly remedy?: string
  declare readonly retryAt?: number
  declare readonly effect?: 'done' | 'unknown'
  declare readonly storeStatus?: string
  declare readonly storeRequestId?: string
  declare readonly attempts?: NonNullable<SecretsErrorDetails['attempts']>

  constructor(code: SecretsErrorCode, problem: string, details: SecretsErrorDetails & SecretsErrorContext = {}) {
    const { attempts, ...others } = ownMembers(details, detailKeys)
    const known = { ...visibleIn(others, visible), attempts: attempts?.map(listedOnly) }
    const text = visible(problem)
    super(messageOf(text, known))
    this.code = code
    for (const key of detailKeys) if (known[key] !== undefined) Object.defineProperty(this, key, descriptor(known[key], true))
    Object.defineProperty(this, 'problem', descriptor(text, false))
    Object.defineProperty(this, marker, descriptor(true, false))
  }

  override get name(): string {
    return this.code === 'NOT_FOUND' ? 'SecretNotFoundError' : 'SecretsError'
  }

  /** The allowlisted members as a plain object, for structured logs. */
  toJSON(): Record<string, unknown> {
    const { name, code, message } = this
    return { name, code, message, ...detailsOf(this) }
  }
}

/**
 * Every provider answered that the secret does not exist. An outage never ends in this error.
 *
 * @example
 * import { createSecretsManager, envProvider, SecretNotFoundError } from '@finchat/secrets-core'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: {} })] })
 * const token = await secrets.getSecret('api_key').catch((error: unknown) => {
 *   if (error instanceof SecretNotFoundError) return 'none'
 *   throw error
 * })
 * console.log(token) // none
 */
export class SecretNotFoundError extends SecretsError {
  static override [Symbol.hasInstance](candidate: unknown): boolean {
    return SecretsError.isInstance(candidate) && candidate.code === 'NOT_FOUND'
  }

  constructor(secret: string, details: SecretsErrorDetails & { readonly problem?: string | undefined } = {}) {
    const { problem, remedy } = ownMembers(details, ['problem', 'remedy'])
    // Users know this sentence, so a remedy does not change it.
    if (problem === undefined) super('NOT_FOUND', `Secret '${secret}' not found in any provider`, { ...details, remedy: undefined })
    else super('NOT_FOUND', problem, details)
    if (remedy !== undefined) Object.defineProperty(this, 'remedy', descriptor(visible(remedy), true))
    Object.defineProperty(this, 'secret', descriptor(visible(secret), true))
  }
}

/** Adds secret and provider where the error has none. */
export function withContext(error: SecretsError, place: SecretsErrorContext): SecretsError {
  const { secret, provider } = { ...ownMembers(place, ['secret', 'provider']), ...detailsOf(error) }
  return new SecretsError(error.code, error.problem ?? error.message, { ...detailsOf(error), secret, provider })
}

/**
 * Returns a copy of the error with these details in place of its own.
 *
 * @example
 * import { SecretsError, withDetails } from '@finchat/secrets-core/provider'
 *
 * const error = new SecretsError('UNAVAILABLE', 'no answer came', { remedy: 'write again' })
 * console.log(withDetails(error, { effect: 'unknown' }).toJSON()['effect']) // unknown
 */
export function withDetails(error: SecretsError, details: SecretsErrorDetails & SecretsErrorContext): SecretsError {
  return new SecretsError(error.code, error.problem ?? error.message, { ...detailsOf(error), ...details })
}

/** Control characters, bidirectional marks, invisible characters, and foreign line ends. */
const invisible = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

function visible(text: unknown): string {
  return String(text).replaceAll(invisible, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

function visibleIn<Members extends object>(members: Members, show: (text: string) => string): Members {
  return Object.fromEntries(
    Object.entries(members).map(([key, value]: [string, unknown]) => [key, typeof value === 'string' ? show(value) : value]),
  ) as Members // of the same types
}

function listedOnly(attempt: SecretsErrorAttempt): SecretsErrorAttempt {
  return visibleIn(definedMembers(attempt, attemptKeys), visible)
}

function detailsOf(error: SecretsError): SecretsErrorDetails & SecretsErrorContext {
  return definedMembers(error, detailKeys)
}

/** Copies only these members, without `undefined` ones. */
function definedMembers<Members extends object>(thing: Members, members: readonly (keyof Members & string)[]): Members {
  return Object.fromEntries(Object.entries(ownMembers(thing, members)).filter(([, value]) => value !== undefined)) as Members // what is left out may be absent
}

function messageOf(problem: string, { secret, provider, remedy }: SecretsErrorDetails & SecretsErrorContext): string {
  const isNamed = problem.startsWith(`Secret '${secret}'`)
  const place = [secret && !isNamed && `Secret '${secret}'`, provider && `provider '${provider}'`].filter(Boolean).join(', ')
  return [place, problem].filter(Boolean).join(': ') + (remedy ? ` (${remedy})` : '')
}

/** Keeps a provider's text from forging a line of a log. */
export function onOneLine(error: SecretsError): SecretsError {
  const escaped = (text: string): string => text.replaceAll('\n', '\\n')
  const { attempts, ...details } = ownMembers(error, detailKeys)
  return new SecretsError(error.code, escaped(error.problem ?? error.message), {
    ...visibleIn(details, escaped),
    attempts: attempts?.map((attempt) => visibleIn(attempt, escaped)),
  })
}
