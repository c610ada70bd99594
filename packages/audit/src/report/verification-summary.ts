import { assertVerification, type ReportedProblem, type ReportedPrune, type ReportedVerification } from './reported-verification.ts'
import { grouped, minute, seen } from './display-text.ts'

/**
 * A verification in words, for an auditor: whether the trail is as it was written, then what is not
 * proven, and until when. Throws `INVALID_ARGUMENT` for an invalid verification.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { verificationSentences } from '@finchat/secrets-audit/report'
 *
 * const { key } = await initAuditFolder('in-words')
 * const [first] = verificationSentences(await verifyAuditTrail('in-words', { key }))
 * console.log(first) // Verified: every record is as it was written (0).
 */
export function verificationSentences(verification: ReportedVerification): readonly string[] {
  assertVerification(verification)
  return sentencesOf(verification)
}

/** The report's first paragraph. */
export function verificationText(verification: ReportedVerification | undefined): string {
  if (verification === undefined) return 'The trail was not verified: anybody may have changed it.'
  return sentencesOf(verification).join(' ')
}

function sentencesOf(verification: ReportedVerification): string[] {
  const { ok, problem, tornIndexLines = [] } = verification
  const about = [...prunes(verification), ...hold(verification), ...leftOut(verification), ...foreignFiles(verification)]
  if (problem !== undefined || !ok) return [`The trail is NOT as it was written: ${damage(verification)}`, ...about]
  const open = [...proof(verification), ...openEnds(verification), ...tornIndexLines.map(tornLine)]
  return [verified(verification), ...open, ...about]
}

function verified({ records, range, segments }: ReportedVerification): string {
  if (range === undefined) return `Verified: every record is as it was written (${grouped(records)}).`
  if (segments?.length === 0) return 'Nothing was verified: the range that was asked for has no segment in it.'
  return `Verified: every record of the segments that were looked at is as it was written (${grouped(records)}).`
}

function prunes({ pruned = [] }: ReportedVerification): string[] {
  const more = pruned.length - mostShown
  const rest = more > 0 ? [`Records were removed for their age ${grouped(more)} times before that.`] : []
  return [...pruned.slice(-mostShown).map(prune), ...rest]
}

function prune({ time, endedBefore, reason, segments, records, isSigned }: ReportedPrune): string {
  const what = `${grouped(records)} ${records === 1 ? 'record' : 'records'} in ${grouped(segments)} ${segments === 1 ? 'segment' : 'segments'}`
  const why = `Removed at ${minute(time)} UTC for their age: ${what}, older than ${minute(endedBefore)} UTC, by "${seen(reason)}".`
  return isSigned ? why : `${why} No signature shows who removed them: whoever can write to the folder can do that.`
}

/** A release is told for ever: somebody who wants records to be pruned may have written it. */
function hold({ holds = [] }: ReportedVerification): string[] {
  const [last, released] = [holds.at(-1), holds.filter(({ isHeld }) => !isHeld)]
  const more = released.length - mostShown
  const rest = more > 0 ? [`Legal holds were ended ${grouped(more)} times before that.`] : []
  const present = last?.isHeld === true ? [`Under a legal hold since ${minute(last.time)} UTC: "${seen(last.reason)}".`] : []
  return [...present, ...released.slice(-mostShown).map(release), ...rest]
}

function release({ time, reason }: NonNullable<ReportedVerification['holds']>[number]): string {
  return `A legal hold was ended at ${minute(time)} UTC: "${seen(reason)}". No signature shows who ended it: whoever can write to the folder can do that.`
}

/** Segments outside the range may be damaged. */
function leftOut({ range }: ReportedVerification): string[] {
  return range === undefined ? [] : [`Segments that were not looked at: ${grouped(range.segmentsLeftOut)}.`]
}

/** By what it is proven that nothing is missing, and until when. */
function proof({ checkpoints, isIndexWhole, segments }: ReportedVerification): string[] {
  if (segments?.length === 0) return []
  if (checkpoints?.newest === undefined) return [noCheckpoint, ...(isIndexWhole === false ? [openIndex] : [])]
  const { count, newest, areSigned } = checkpoints
  const what = `${grouped(count)} ${areSigned ? 'signed ' : ''}${count === 1 ? 'checkpoint' : 'checkpoints'}`
  return [`By ${what}, nothing is missing of what a process had written at its last one; the newest is of ${minute(newest)} UTC.`]
}

const noCheckpoint =
  'No checkpoint was compared. So nothing proves that no later record was removed, or that this is not an older copy of the folder.'
const openIndex = "Nor that no later segment was removed together with the end of the index: the folder's key was not there."

function damage(verification: ReportedVerification): string {
  const { records, problem, problems, problemsLeftOut = 0, damaged = 0, missing = 0, segments, segmentsLeftOut = 0 } = verification
  const all = problems ?? (problem === undefined ? [] : [problem])
  if (all.length === 0) return 'what is wrong is not known.'
  const whole = (segments?.filter(({ status }) => status === 'verified').length ?? 0) + segmentsLeftOut
  const share =
    segments === undefined ? [] : [`${grouped(whole)} of ${grouped(segments.length + segmentsLeftOut)} segments are as they were written`]
  const more = all.length - mostShown + problemsLeftOut
  const rest = more > 0 ? [`and ${grouped(more)} further ${more === 1 ? 'problem' : 'problems'}`] : []
  const counts = `Records: ${grouped(records)} verified, ${grouped(damaged)} damaged, ${grouped(missing)} missing.`
  const hint = problemsLeftOut === 0 && all.every(({ mayBeCopy }) => mayBeCopy === true) ? ` ${copied}` : ''
  return `${[...share, ...all.slice(0, mostShown).map(located), ...rest].join('; ')}. ${counts}${hint}`
}

const copied =
  'A copy that was made while the service wrote looks the same: copy it again, first the checkpoints, then the index, then the segments.'

function located({ what, file, line, explanation, ...place }: ReportedProblem): string {
  return `in ${placeOf(place)}${seen(file)}, line ${grouped(line)}, ${seen(what)}: ${seen(explanation)}`
}

function placeOf({ segment, record, lastRecord = record }: Pick<ReportedProblem, 'segment' | 'record' | 'lastRecord'>): string {
  if (segment === undefined) return ''
  if (record === undefined || lastRecord === undefined) return `segment ${grouped(segment)}, `
  const records = record === lastRecord ? `record ${grouped(record)}` : `one of records ${grouped(record)} to ${grouped(lastRecord)}`
  return `segment ${grouped(segment)}, ${records}, `
}

function foreignFiles({ foreign = [] }: ReportedVerification): string[] {
  if (foreign.length === 0) return []
  const more = foreign.length > mostShown ? `, and ${grouped(foreign.length - mostShown)} more` : ''
  return [
    `Files that do not belong there, and were left out: ${foreign
      .slice(0, mostShown)
      .map(({ file }) => seen(file))
      .join(', ')}${more}.`,
  ]
}

/** More would bury the rest. */
const mostShown = 10

/** Ends that are known and cannot change any more are counted; those that are new are named. */
function openEnds({ unproven, unprovenLeftOut = 0 }: ReportedVerification): string[] {
  const isKnown = ({ recordedAt, sealedBehind = 0 }: ReportedVerification['unproven'][number]): boolean =>
    recordedAt !== undefined && sealedBehind === 0
  const [known, open] = [unproven.filter(isKnown), unproven.filter((end) => !isKnown(end))]
  const more = open.length - mostShown
  const rest = more > 0 ? [`The ends of ${grouped(more)} further segments are not proven to the last either.`] : []
  return [...open.slice(0, mostShown).map(openEnd), ...rest, ...knownEnds(known, unprovenLeftOut)]
}

function knownEnds(known: ReportedVerification['unproven'], more: number): string[] {
  if (known.length === 0) return []
  const last = Math.max(...known.map(({ recordedAt = 0 }) => recordedAt))
  const count = known.length + more
  const what = count === 1 ? '1 process was' : `${grouped(count)} processes were`
  return [
    `${what} killed or lost power; the last such end was recorded at ${minute(last)} UTC. What one wrote behind its last checkpoint may have been removed before that, and cannot be removed since.`,
  ]
}

function openEnd({ file, lastLine, provenUntil, sealedBehind = 0 }: ReportedVerification['unproven'][number]): string {
  const since = provenUntil === undefined ? 'by no checkpoint' : `only until ${minute(provenUntil)} UTC`
  const end = `That nothing was cut off behind line ${grouped(lastLine)} of ${seen(file)} is proven ${since}.`
  if (sealedBehind === 0) return end
  const stand = sealedBehind === 1 ? 'record stands' : 'records stand'
  return `${end} ${grouped(sealedBehind)} sealed ${stand} behind a hole, from the same write: a power cut leaves that, or somebody who overwrote the end.`
}

/** A recorded line is explained; an unrecorded one may have been added. */
function tornLine({ line, bytes, isRecorded }: NonNullable<ReportedVerification['tornIndexLines']>[number]): string {
  const where = `${grouped(bytes)} ${bytes === 1 ? 'byte' : 'bytes'} of an unfinished line ${grouped(line)} of index.jsonl`
  return isRecorded
    ? `The next process found ${where}, and recorded that.`
    : `At its end are ${where}: a process died while it wrote them, or is at it, or somebody added them. Nothing depends on them.`
}

/**
 * How a report shows a verification. `good`: nothing is wrong, and checkpoints prove that nothing is
 * missing. `open`: nothing is wrong, but that is not proven. `bad`: the trail was altered.
 *
 * @example
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { verificationSeverity } from '@finchat/secrets-audit/report'
 *
 * const { key } = await initAuditFolder('without-checkpoints')
 * console.log(verificationSeverity(await verifyAuditTrail('without-checkpoints', { key }))) // open
 */
export function verificationSeverity(verification: ReportedVerification | undefined): 'good' | 'bad' | 'open' {
  if (verification === undefined) return 'open'
  const { ok, unproven, checkpoints, tornIndexLines = [], range, pruned = [] } = verification
  if (!ok) return 'bad'
  if (range !== undefined || pruned.some(({ isSigned }) => !isSigned)) return 'open'
  const isProven = checkpoints?.newest !== undefined && unproven.every(isBounded) && tornIndexLines.every(({ isRecorded }) => isRecorded)
  return isProven ? 'good' : 'open'
}

/** A process sends its first checkpoint with its first records, behind the header and its seal. */
function isBounded({ lastLine, provenUntil, sealedBehind = 0 }: ReportedVerification['unproven'][number]): boolean {
  return sealedBehind === 0 && (provenUntil !== undefined || lastLine <= linesOfHeader)
}

const linesOfHeader = 2
