import type { Meter, Tracer } from '@opentelemetry/api'
import { assertWithin, configurationError, knownOptions, type MembersOf } from '@finchat/secrets-core/provider'
import { type NamesMode, nameTextOf, type NameText } from './shared/names.ts'

/** Options of `observeSecrets`. */
export interface ObserveOptions {
  /** Default: the global one, `metrics.getMeter('@finchat/secrets-otel')`. */
  readonly meter?: Meter | undefined
  /** Default: the global one, `trace.getTracer('@finchat/secrets-otel')`. */
  readonly tracer?: Tracer | undefined
  /**
   * Whether names of secrets are shown: on spans, and on the gauges of rotations and former
   * versions. Default: `omit`.
   */
  readonly names?: NamesMode | undefined
  /**
   * With `names: 'hashed'`: 32 random bytes or more, the same in every process. A name's digest is
   * then that of the audit trail's `hashNames` with this key. Default: a key of this process, so
   * that digests of two processes differ.
   */
  readonly nameKey?: Uint8Array | undefined
  /**
   * Tells managers of one process apart. The SDK keeps the series of each name for ever, so use a
   * name again after `close()`. Default: `default`.
   */
  readonly manager?: string | undefined
  /**
   * How often `checkHealth` is called, in seconds, for the gauges of health and rotations. It is a
   * call to each store, so one process of a fleet is enough. Default: never.
   */
  readonly checkHealthSeconds?: number | undefined
}

const members: MembersOf<ObserveOptions> = {
  meter: 'any',
  tracer: 'any',
  names: 'string',
  nameKey: 'any',
  manager: 'string',
  checkHealthSeconds: 'number',
}

export interface CheckedOptions extends Pick<ObserveOptions, 'meter' | 'tracer' | 'checkHealthSeconds'> {
  readonly manager: string
  readonly nameText: NameText
}

const modes: readonly string[] = ['plain', 'hashed', 'omit'] satisfies NamesMode[]
/** `checkHealth` remembers its report for so long. */
const leastSeconds = 10
const mostSeconds = 86_400

/** Throws `CONFIGURATION` for invalid options. */
export function checkedOptions(given: ObserveOptions): CheckedOptions {
  const { meter, tracer, names = 'omit', nameKey, manager = 'default', checkHealthSeconds } = knownOptions(given, members)
  if (!modes.includes(names)) throw configurationError('`names` is not known', `use ${modes.join(', ')}`)
  if (nameKey !== undefined && names !== 'hashed')
    throw configurationError('`nameKey` is given without hashed names', "add names: 'hashed'")
  if (!/^[\w.:/-]{1,64}$/.test(manager))
    throw configurationError('`manager` is no usable name', 'give it 1 to 64 letters, digits or . : / _ -')
  if (checkHealthSeconds !== undefined) assertWithin('checkHealthSeconds', checkHealthSeconds, leastSeconds, mostSeconds)
  assertHas('meter', meter, 'createHistogram', "metrics.getMeter('…')")
  assertHas('tracer', tracer, 'startSpan', "trace.getTracer('…')")
  return { meter, tracer, manager, checkHealthSeconds, nameText: nameTextOf(names, nameKey) }
}

function assertHas(option: string, given: object | undefined, method: string, remedy: string): void {
  if (given === undefined || (typeof given === 'object' && given !== null && typeof Reflect.get(given, method) === 'function')) return
  throw configurationError(`\`${option}\` has no ${method}()`, `pass ${remedy} of @opentelemetry/api`)
}
