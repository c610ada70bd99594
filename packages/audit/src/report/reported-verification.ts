import { isJsonObject, SecretsError } from '@finchat/secrets-core/provider'
import type { WrongClock } from '../tables/host-clock.ts'
import type { ErasedNamesMark, HoldChange, PrunedSegments } from '../format/prune-mark.ts'

/** The part of `verifyAuditTrail`'s result that a report shows. */
export interface ReportedVerification {
  readonly ok: boolean
  /** The folder's id. */
  readonly id?: string | undefined
  readonly records: number
  readonly problem?: ReportedProblem | undefined
  /** Without these, only `problem` is shown. */
  readonly problems?: readonly ReportedProblem[] | undefined
  readonly problemsLeftOut?: number | undefined
  readonly damaged?: number | undefined
  readonly missing?: number | undefined
  readonly segments?: readonly { readonly status: string }[] | undefined
  /** Segments that are not listed. Absent: none. */
  readonly segmentsLeftOut?: number | undefined
  /** Hosts that wrote at the same time. Absent: none. */
  readonly hostsAtOnce?: readonly string[] | undefined
  /** `false`: nothing proves that no line is missing at the end of the index. */
  readonly isIndexWhole?: boolean | undefined
  readonly tornIndexLines?: readonly { readonly line: number; readonly bytes: number; readonly isRecorded: boolean }[] | undefined
  /** Its `torn` bytes are not shown: no record in them was acknowledged. */
  readonly unproven: readonly {
    readonly file: string
    readonly lastLine: number
    readonly provenUntil?: number | undefined
    /** When the next process recorded this end. */
    readonly recordedAt?: number | undefined
    /** Absent: none. */
    readonly sealedBehind?: number | undefined
  }[]
  /** Recorded ends that are not listed. Absent: none. */
  readonly unprovenLeftOut?: number | undefined
  readonly foreign?: readonly { readonly file: string; readonly explanation: string }[] | undefined
  /** Absent: none were compared. */
  readonly checkpoints?: { readonly count: number; readonly newest?: number | undefined; readonly areSigned: boolean } | undefined
  /** Whatever was written by then is there. */
  readonly provenUntil?: number | undefined
  readonly pruned?: readonly PrunedSegments[] | undefined
  /** Legal holds that began or ended. */
  readonly holds?: readonly HoldChange[] | undefined
  /** Names of persons that were erased. Absent: none. */
  readonly erasures?: readonly ErasedNamesMark[] | undefined
  /** Absent: the whole trail was read. */
  readonly range?:
    | { readonly segmentsLeftOut: number; readonly writtenFrom?: number | undefined; readonly writtenUntil?: number | undefined }
    | undefined
  /** The folder that was given, whose name is empty, and those in which it goes on. */
  readonly folders?: readonly { readonly name: string }[] | undefined
  /** Absent: nothing shows that a host's clock was wrong. */
  readonly clock?: WrongClock | undefined
}

/** The part of a problem that a report shows. */
export interface ReportedProblem {
  readonly what: string
  readonly file: string
  readonly line: number
  readonly explanation: string
  readonly segment?: number | undefined
  readonly record?: number | undefined
  readonly lastRecord?: number | undefined
  readonly mayBeCopy?: boolean | undefined
}

type Check = (value: unknown) => boolean

const isBoolean: Check = (value) => typeof value === 'boolean'
const isNumber: Check = (value) => typeof value === 'number'
const isText: Check = (value) => typeof value === 'string'
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const objectOf =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isJsonObject(value) && Object.entries(members).every(([member, check]) => check(value[member]))

const isProblem = objectOf({
  what: isText,
  file: isText,
  line: isNumber,
  explanation: isText,
  segment: optional(isNumber),
  record: optional(isNumber),
  lastRecord: optional(isNumber),
  mayBeCopy: optional(isBoolean),
})

/** Every member that a report reads. */
const members: Readonly<Record<keyof ReportedVerification, Check>> = {
  ok: isBoolean,
  id: optional(isText),
  records: isNumber,
  problem: optional(isProblem),
  problems: optional(listOf(isProblem)),
  problemsLeftOut: optional(isNumber),
  damaged: optional(isNumber),
  missing: optional(isNumber),
  segments: optional(listOf(objectOf({ status: isText }))),
  segmentsLeftOut: optional(isNumber),
  hostsAtOnce: optional(listOf(isText)),
  unprovenLeftOut: optional(isNumber),
  isIndexWhole: optional(isBoolean),
  tornIndexLines: optional(listOf(objectOf({ line: isNumber, bytes: isNumber, isRecorded: isBoolean }))),
  holds: optional(listOf(objectOf({ time: isNumber, isHeld: isBoolean, reason: isText, ends: optional(isText) }))),
  erasures: optional(listOf(objectOf({ time: isNumber, pseudonyms: listOf(isText), reason: isText }))),
  checkpoints: optional(objectOf({ count: isNumber, newest: optional(isNumber), areSigned: isBoolean })),
  provenUntil: optional(isNumber),
  unproven: listOf(
    objectOf({
      file: isText,
      lastLine: isNumber,
      provenUntil: optional(isNumber),
      recordedAt: optional(isNumber),
      sealedBehind: optional(isNumber),
    }),
  ),
  foreign: optional(listOf(objectOf({ file: isText, explanation: isText }))),
  pruned: optional(
    listOf(objectOf({ time: isNumber, endedBefore: isNumber, reason: isText, segments: isNumber, records: isNumber, isSigned: isBoolean })),
  ),
  range: optional(objectOf({ segmentsLeftOut: isNumber, writtenFrom: optional(isNumber), writtenUntil: optional(isNumber) })),
  folders: optional(listOf(objectOf({ name: isText }))),
  clock: optional(objectOf({ setBackMs: isNumber, file: isText, line: isNumber, aheadMs: isNumber })),
}

/**
 * Throws `INVALID_ARGUMENT` for an invalid verification: the report would claim what was not
 * verified.
 */
export function assertVerification(verification: unknown): asserts verification is ReportedVerification | undefined {
  if (verification === undefined) return
  if (!isJsonObject(verification)) throw malformed('is no object')
  for (const [member, check] of Object.entries(members)) {
    if (!check(verification[member])) throw malformed(`has no such \`${member}\` as verifyAuditTrail returns`)
  }
}

function malformed(how: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', `\`verification\` ${how}`, {
    remedy: 'pass what await verifyAuditTrail(…) returned, or the `verification` of verifiedTrail; or leave it out',
  })
}
