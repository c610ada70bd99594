import { isRecord, own } from '../../errors/own-properties.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { longestTimerMs } from '../../guard/deadline.ts'
import { knownOptions, type MembersOf } from '../../options/known-options.ts'
import type { SecretValue } from '../../value/secret-value.ts'
import { assertActor } from '../../usage/mark-input.ts'
import { allCandidates, type Candidate } from './candidates.ts'

/** Options of `useSecret`. */
export interface UseOptions {
  /** Whether the far side refused the credential, such as `28P01` of PostgreSQL. */
  readonly isAuthError: (error: unknown) => boolean
  /**
   * The credential of the login that failed, where a pool queues logins. `undefined`: the one that
   * the function was called with.
   */
  readonly usedIn?: ((error: unknown) => SecretValue | undefined) | undefined
  /** How long it tries other credentials, from the first refusal. Default: 5,000. */
  readonly budgetMs?: number | undefined
  /**
   * What this call searches after a fresh read. Default: `['pending', 'previous']`. What works for
   * another call is used whatever it is.
   */
  readonly candidates?: readonly Candidate[] | undefined
  /**
   * Tell the fleet which version each login uses, before it begins, so that `rotationStatus` knows
   * who still uses a former one. Needs a shared cache that keeps marks. Default: false.
   */
  readonly usageMarks?: boolean | undefined
  /** Who uses the secret, in these marks: up to 512 characters. Never secret. */
  readonly actor?: string | undefined
}

export interface KnownUseOptions extends UseOptions {
  readonly budgetMs: number
  readonly candidates: readonly Candidate[]
}

const useMembers: MembersOf<UseOptions> = {
  isAuthError: 'any',
  usedIn: 'any',
  budgetMs: 'number',
  candidates: 'any',
  usageMarks: 'boolean',
  actor: 'string',
}
export const defaultBudgetMs = 5_000
const isAuthErrorRemedy = "pass isAuthError: (error) => error.code === '28P01'"

/** Options of `LiveSecret.logIn`. */
export type LoginOptions = Pick<UseOptions, 'isAuthError'>

/** Throws `INVALID_ARGUMENT` unless it is exactly that option. */
export function knownLoginOptions(options: LoginOptions): LoginOptions {
  const known = knownOptions(options, loginMembers, 'INVALID_ARGUMENT')
  if (typeof known.isAuthError === 'function') return known
  throw wrong('isAuthError is not a function', isAuthErrorRemedy)
}

const loginMembers: MembersOf<LoginOptions> = { isAuthError: 'any' }

/** Only `isAuthError`, so that nothing else need be checked. A class may have more members. */
export function isPlain(options: UseOptions): boolean {
  if (!isRecord(options) || Object.getPrototypeOf(options) !== Object.prototype) return false
  for (const member in options) if (member !== 'isAuthError' && Object.hasOwn(options, member)) return false
  return typeof own(options, 'isAuthError') === 'function'
}

/** Throws `INVALID_ARGUMENT` for options that would be ignored or misread. */
export function knownUseOptions(options: UseOptions): KnownUseOptions {
  const { budgetMs = defaultBudgetMs, candidates = allCandidates, ...known } = knownOptions(options, useMembers, 'INVALID_ARGUMENT')
  assertActor(known)
  const areFunctions = typeof known.isAuthError === 'function' && ['function', 'undefined'].includes(typeof known.usedIn)
  if (!areFunctions) throw wrong('isAuthError or usedIn is not a function', isAuthErrorRemedy)
  if (!(budgetMs >= 0 && budgetMs <= longestTimerMs))
    throw wrong(`budgetMs is ${budgetMs}`, `pass milliseconds from 0 to ${longestTimerMs}`)
  if (Array.isArray(candidates) && candidates.every((kind) => allCandidates.includes(kind))) return { ...known, budgetMs, candidates }
  throw wrong('candidates is not a list of what can be tried', "pass ['pending', 'previous'], one of them, or []")
}

/** A promise, as of an async function, is not `true`. */
export function isRefusal(isAuthError: UseOptions['isAuthError'], error: unknown): boolean {
  const answer: unknown = isAuthError(error)
  return answer === true
}

function wrong(problem: string, remedy: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', problem, { remedy })
}
