import { SecretsError } from '../errors/secrets-error.ts'
import { longestTimerMs } from '../guard/deadline.ts'
import { knownCallOptions } from '../options/call-options.ts'
import { knownOptions, type MembersOf } from '../options/known-options.ts'
import type { SecretValue } from '../value/secret-value.ts'

/** Options of `liveSecret`. */
export interface LiveOptions {
  /** How often the store is probed, in seconds. The shortest of all who follow a secret. Default: 30. */
  readonly intervalSeconds?: number | undefined
}

/** Options of `watchSecret`. */
export interface WatchSecretOptions extends LiveOptions {
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal | undefined
  /** Called with each new value. What it throws is reported as a warning, without its text. */
  readonly onChange?: ((value: SecretValue) => unknown) | undefined
}

const liveMembers: MembersOf<LiveOptions> = { intervalSeconds: 'number' }
const watchMembers: MembersOf<WatchSecretOptions> = { ...liveMembers, signal: 'any', onChange: 'any' }

const defaultSeconds = 30
const shortestSeconds = 1

export function knownLiveOptions(options: LiveOptions): LiveOptions {
  return withInterval(knownOptions(options, liveMembers, 'INVALID_ARGUMENT'))
}

/** Throws `INVALID_ARGUMENT` for options that would be ignored or misread. */
export function knownWatchOptions(options: WatchSecretOptions): WatchSecretOptions {
  const known = withInterval(knownCallOptions(options, watchMembers))
  if (known.onChange === undefined || typeof known.onChange === 'function') return known
  throw new SecretsError('INVALID_ARGUMENT', 'onChange is not a function', { remedy: 'pass (value) => …, or leave it out' })
}

export function intervalMsOf({ intervalSeconds = defaultSeconds }: LiveOptions): number {
  return intervalSeconds * 1_000
}

function withInterval<Options extends LiveOptions>(known: Options): Options {
  const { intervalSeconds = defaultSeconds } = known
  if (intervalSeconds >= shortestSeconds && intervalSeconds <= longestTimerMs / 1_000) return known
  throw new SecretsError('INVALID_ARGUMENT', `intervalSeconds is ${intervalSeconds}`, { remedy: 'pass seconds from 1' })
}
