import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { AuditSink } from '@finchat/secrets-core'
import { assertWithin, configurationError, knownOptions, longestTimerMs, type MembersOf } from '@finchat/secrets-core/provider'
import { nameDigest } from '@finchat/secrets-core/sealing'
import { assertNamesFile } from '../record/name-rows.ts'
import { NameKeys } from '../record/name-keys.ts'
import type { NameSealing } from '../record/record-maker.ts'
import { trailsOf } from './trail-of-sink.ts'
import { bestEffort, required, type TrailSink } from './trail-sink.ts'

/**
 * When a record counts as made.
 *
 * - `complete`, the default: when every required sink acknowledged, or any if none is required.
 * - `buffered`: at once while sinks acknowledge; like `complete` after a refusal. Loses records
 *   that were not yet acknowledged when the process dies or a sink begins to fail. Waits for
 *   intents.
 * - `best-effort`: at once. With all sinks down, reads go on, with a process warning and later a
 *   gap record.
 */
export type AuditMode = 'complete' | 'buffered' | 'best-effort'

/** What `auditTrail` takes. */
export interface AuditTrailOptions {
  /**
   * One or more. A sink that is not wrapped in `required(sink)` or `bestEffort(sink)` is required
   * if it is durable.
   */
  readonly sinks: readonly (AuditSink | TrailSink)[]
  /** Default: `complete`. */
  readonly mode?: AuditMode | undefined
  /**
   * How long a sink may take for one record, milliseconds. Default: 2,000, and 4,800 until it has
   * answered once, since many processes may start together. Keep it below the manager's
   * `deadlineMs`.
   */
  readonly sinkDeadlineMs?: number | undefined
  /** On every record. Default: the program's name. */
  readonly service?: string | undefined
  /**
   * At least 32 random bytes. Names are recorded as their HMAC-SHA256 under this key, which a
   * reader of the trail cannot reverse without it.
   */
  readonly hashNames?: Uint8Array | undefined
  /**
   * Seals names of persons, each under a key of its own in a small file, so that `eraseAuditNames` can
   * erase one of them from a trail that still verifies. Default: names are as they are.
   */
  readonly sealNames?: SealNamesOptions | undefined
}

/** Where the keys of sealed names are, and which names are sealed. */
export interface SealNamesOptions {
  /** A file beside the folder of the trail, on a local disk. Processes of one host share it. */
  readonly file: string
  /** `actor`, and `name` of secrets. Default: `['actor']`. */
  readonly of?: readonly ('actor' | 'name')[] | undefined
}

const members: MembersOf<AuditTrailOptions> = {
  sinks: 'any',
  mode: 'string',
  sinkDeadlineMs: 'number',
  service: 'string',
  hashNames: 'any',
  sealNames: 'any',
}

export interface CheckedTrailOptions {
  readonly sinks: readonly TrailSink[]
  readonly mode: AuditMode
  readonly sinkDeadlineMs: number
  readonly firstDeadlineMs: number
  readonly service: string | undefined
  readonly hashName: ((name: string) => string) | undefined
  readonly sealing: NameSealing | undefined
}

const modes: readonly string[] = ['complete', 'buffered', 'best-effort'] satisfies AuditMode[]

/** Throws `CONFIGURATION` for invalid options. */
export function checkedTrailOptions(given: AuditTrailOptions): CheckedTrailOptions {
  const options = knownOptions(given, members)
  const { mode = 'complete', sinkDeadlineMs = 2_000, service, hashNames, sealNames } = options
  const firstDeadlineMs = options.sinkDeadlineMs ?? 4_800
  if (!modes.includes(mode)) throw configurationError('`mode` is not known', `use ${modes.join(', ')}`)
  assertWithin('sinkDeadlineMs', sinkDeadlineMs, 1, longestTimerMs)
  const hashName = hashNames === undefined ? undefined : nameDigest('hashNames', hashNames)
  const sinks = sinksOf(options.sinks)
  const sealing = sealNames === undefined ? undefined : sealingOf(sealNames, sinks)
  if (hashName !== undefined && sealing?.of.has('name'))
    throw configurationError('names are hashed by `hashNames` and sealed by `sealNames`', 'use one of the two for names')
  return { sinks, mode, sinkDeadlineMs, firstDeadlineMs, service, hashName, sealing }
}

function sealingOf(given: SealNamesOptions, sinks: readonly TrailSink[]): NameSealing {
  const { file, of = ['actor'] } = knownOptions(given, { file: 'string', of: 'any' })
  assertNamesFile('sealNames.file', file)
  if (!Array.isArray(of) || of.length === 0 || !of.every((member) => member === 'actor' || member === 'name'))
    throw configurationError('`sealNames.of` is no list of members', "pass ['actor'], ['name'] or both")
  const path = resolve(file)
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true)
    throw configurationError(
      `the folder of the keys of names is not there: ${JSON.stringify(dirname(path))}`,
      'make it, or correct the path of the file',
    )
  const keys = new NameKeys(path, () => trailsOf(sinks.map(({ sink }) => sink)))
  keys.assertOwn()
  return { keys, of: new Set(of) }
}

function sinksOf(given: AuditTrailOptions['sinks']): readonly TrailSink[] {
  if (!Array.isArray(given) || given.length === 0)
    throw configurationError('`sinks` is not a list of one or more sinks', 'give at least one')
  const sinks = Array.from(given, asTrailSink)
  const names = sinks.map(({ sink }) => sink.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw configurationError(`two sinks are called ${JSON.stringify(twice)}`, 'give each a `name` of its own')
  return sinks
}

function asTrailSink(given: unknown, index: number): TrailSink {
  if (isSink(given)) return given.durable === true ? required(given) : bestEffort(given)
  if (isTrailSink(given)) return given
  throw configurationError(
    `sinks[${index}] is not a sink of specification v1`,
    "pass what jsonLinesFile() or another sink returns, or { specificationVersion: 'v1', name: '…', write: async (record) => … }",
  )
}

function isTrailSink(given: unknown): given is TrailSink {
  if (typeof given !== 'object' || given === null || !('sink' in given) || !isSink(given.sink)) return false
  return 'required' in given && typeof given.required === 'boolean'
}

function isSink(given: unknown): given is AuditSink {
  if (typeof given !== 'object' || given === null || !('specificationVersion' in given) || given.specificationVersion !== 'v1') return false
  return 'name' in given && typeof given.name === 'string' && 'write' in given && typeof given.write === 'function'
}
