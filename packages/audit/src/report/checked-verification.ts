import { SecretsError } from '@finchat/secrets-core'
import type { ReportedVerification } from './verification-summary.ts'

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
    isObject(value) && Object.entries(members).every(([member, check]) => check(value[member]))

const isProblem = objectOf({
  what: isText,
  file: isText,
  line: isNumber,
  explanation: isText,
  segment: optional(isNumber),
  record: optional(isNumber),
  lastRecord: optional(isNumber),
})

/** Every member that a report reads. */
const members: Readonly<Record<keyof ReportedVerification, Check>> = {
  ok: isBoolean,
  records: isNumber,
  problem: optional(isProblem),
  problems: optional(listOf(isProblem)),
  problemsLeftOut: optional(isNumber),
  damaged: optional(isNumber),
  missing: optional(isNumber),
  segments: optional(listOf(objectOf({ status: isText }))),
  isIndexWhole: optional(isBoolean),
  cutIndexLines: optional(listOf(objectOf({ line: isNumber, bytes: isNumber, isRecorded: isBoolean }))),
  unproven: listOf(objectOf({ file: isText, lastLine: isNumber, provenUntil: optional(isNumber), sealedBehind: optional(isNumber) })),
  foreign: optional(listOf(objectOf({ file: isText, explanation: isText }))),
  range: optional(objectOf({ segmentsLeftOut: isNumber })),
}

/** Throws `INVALID_ARGUMENT` for what is no verification: an auditor would read a verdict that nobody gave. */
export function assertVerification(verification: unknown): asserts verification is ReportedVerification | undefined {
  if (verification === undefined) return
  if (!isObject(verification)) throw malformed('is no object')
  for (const [member, check] of Object.entries(members)) {
    if (!check(verification[member])) throw malformed(`has no such \`${member}\` as verifyAuditTrail returns`)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function malformed(how: string): SecretsError {
  return new SecretsError('INVALID_ARGUMENT', `\`verification\` ${how}`, {
    remedy: 'pass what await verifyAuditTrail(…) returned, or the `verification` of verifiedTrail; or leave it out',
  })
}
