import { SecretsError } from '../errors/secrets-error.ts'
import { longestTimerMs } from '../guard/deadline.ts'
import { knownCallOptions } from '../options/call-options.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import { assertActor } from '../usage/mark-input.ts'
import type { SecretValue } from '../value/secret-value.ts'

/** Options of `liveSecret`. */
export interface LiveOptions {
  /** How often the store is probed, in seconds. The shortest of all who follow a secret. Default: 30. */
  readonly intervalSeconds?: number | undefined
  /**
   * Tell the fleet which version this handle gives, so that `rotationStatus` knows who still uses a
   * former one. `ready` waits for it. Needs a shared cache that keeps marks. Default: false.
   */
  readonly usageMarks?: boolean | undefined
  /** Who uses the secret, in these marks: up to 512 characters. Never secret. */
  readonly actor?: string | undefined
}

/** Options of `watchSecret`. */
export interface WatchSecretOptions extends Pick<LiveOptions, 'intervalSeconds'> {
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal | undefined
  /** Yield the value with which the watch begins, too: it may differ from one read before. Default: false. */
  readonly first?: boolean | undefined
  /** Called with each new value. What it throws is reported as a warning, without its text. */
  readonly onChange?: ((value: SecretValue) => unknown) | undefined
}

const liveMembers: MembersOf<LiveOptions> = { intervalSeconds: 'number', usageMarks: 'boolean', actor: 'string' }
const watchMembers: MembersOf<WatchSecretOptions> = { intervalSeconds: 'number', signal: 'any', first: 'boolean', onChange: 'any' }

const defaultSeconds = 30
const shortestSeconds = 1

export function knownLiveOptions(options: LiveOptions): LiveOptions {
  const known = knownOptions(options, liveMembers, 'INVALID_ARGUMENT')
  assertActor(known)
  return withInterval(known)
}

/** Throws `INVALID_ARGUMENT` for options that would be ignored or misread. */
export function knownWatchOptions(options: WatchSecretOptions): WatchSecretOptions {
  const known = withInterval(knownCallOptions(options, watchMembers))
  if (known.onChange === undefined || typeof known.onChange === 'function') return known
  throw new SecretsError('INVALID_ARGUMENT', 'onChange is not a function', { remedy: 'pass (value) => …, or leave it out' })
}

export function intervalMsOf({ intervalSeconds = defaultSeconds }: Pick<LiveOptions, 'intervalSeconds'>): number {
  return intervalSeconds * 1_000
}

function withInterval<Options extends Pick<LiveOptions, 'intervalSeconds'>>(known: Options): Options {
  const { intervalSeconds = defaultSeconds } = known
  if (intervalSeconds >= shortestSeconds && intervalSeconds <= longestTimerMs / 1_000) return known
  throw new SecretsError('INVALID_ARGUMENT', `intervalSeconds is ${intervalSeconds}`, { remedy: 'pass seconds from 1' })
}
