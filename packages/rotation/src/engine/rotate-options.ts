import { hostname } from 'node:os'
import type { CallOptions, SecretsManager } from '@finchat/secrets-core'
import {
  checkedNote,
  configurationError,
  invalidArgument,
  isWholeNumber,
  knownOptions,
  type MembersOf,
} from '@finchat/secrets-core/provider'
import type { Generate, RotationTarget } from '../targets/target.ts'
import { type OnState, Progress } from './rotation-state.ts'

/** Options of `retirePrevious`. */
export interface RetireOptions extends CallOptions {
  readonly target: RotationTarget
  /** How long the former value still works after a rotation, in whole seconds. */
  readonly graceSeconds: number
  /** Retire it, or rotate, though the grace period is not over, or it is in use. Default false. */
  readonly force?: boolean | undefined
  /**
   * Retire it, or rotate, only when nobody uses the former value any more, as `rotationStatus`
   * tells. Needs usage marks. Default false.
   */
  readonly whenUnused?: boolean | undefined
  /** Called with each step. */
  readonly onState?: OnState | undefined
}

/** Options of `rotate`. */
export interface RotateOptions extends RetireOptions {
  /** Makes the new value, such as `passwordGenerator()`. */
  readonly generate: Generate
  /** Kept with the staged version, beside who staged it and when. Never secret. */
  readonly note?: Readonly<Record<string, string>> | undefined
}

/** One call of a rotator. */
export interface Run {
  readonly secrets: SecretsManager
  readonly name: string
  readonly target: RotationTarget
  readonly graceSeconds: number
  readonly force: boolean
  readonly whenUnused: boolean
  readonly call: CallOptions
  readonly progress: Progress
  /**
   * Where a promotion takes several calls: bars it from now on, before the target gets the current value
   * again. False: it has begun, or is done. Absent: a promotion is one call.
   */
  readonly barPromotion?: (() => Promise<boolean>) | undefined
}

export const retireMembers: MembersOf<RetireOptions> = {
  target: 'any',
  graceSeconds: 'any',
  force: 'boolean',
  whenUnused: 'boolean',
  onState: 'any',
  signal: 'any',
  actor: 'string',
  requestId: 'string',
}

const rotateMembers: MembersOf<RotateOptions> = { ...retireMembers, generate: 'any', note: 'any' }

/** Throws `CONFIGURATION` or `INVALID_ARGUMENT` for options that would be misread. */
export function knownRotateOptions(options: RotateOptions): RotateOptions {
  const known = knownOptions(options, rotateMembers, 'INVALID_ARGUMENT')
  if (typeof known.generate !== 'function') throw configurationError('`generate` is not a function', 'pass passwordGenerator()')
  return { ...known, note: checkedNote(known.note) }
}

export function runOf(secrets: SecretsManager, name: string, options: RetireOptions): Run {
  const { target, graceSeconds, force = false, whenUnused = false, onState, signal, actor, requestId } = options
  assertTarget(target)
  assertGrace(graceSeconds)
  assertListeners({ onState, signal })
  const call = { signal, actor, requestId }
  return { secrets, name, target, graceSeconds, force, whenUnused, call, progress: new Progress(name, rotatorName(actor), onState) }
}

/** Throws `INVALID_ARGUMENT` before anything begins. */
export function assertListeners({ onState, signal }: { readonly onState: unknown; readonly signal: unknown }): void {
  if (onState !== undefined && typeof onState !== 'function') throw invalidArgument('`onState` is not a function', 'pass a function')
  if (signal === undefined || signal instanceof AbortSignal) return
  throw invalidArgument('`signal` is not an AbortSignal', 'pass AbortSignal.timeout(ms) or the signal of an AbortController')
}

/** Who a staged version, its states and its records are from. */
export function rotatorName(actor: string | undefined): string {
  return actor ?? `${hostname()}:${process.pid}`
}

export function assertTarget(target: RotationTarget): void {
  const members: readonly unknown[] = Object(target) === target ? [target.next, target.apply, target.test] : [undefined]
  if (members.every((member) => typeof member === 'function')) return
  throw configurationError('`target` is no rotation target', 'pass functionTarget(…), postgresRole(…) or another one')
}

/** Ten years: more is a mistake of the unit. */
const longestGrace = 315_360_000

export function assertGrace(graceSeconds: number): void {
  if (isWholeNumber(graceSeconds, 0, longestGrace)) return
  throw configurationError('`graceSeconds` is no whole number of seconds', `pass one from 0 to ${longestGrace}`)
}
