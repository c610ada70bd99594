import { assertVerification, type ReportedProblem, type ReportedVerification } from './reported-verification.ts'
import { duration, grouped, minute, seen } from './display-text.ts'
import { clockSentences, indexSentences, mostShown } from './index-sentences.ts'

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

/** `good`: proved. `open`: nothing is wrong, but not all is proved. `bad`: altered or incomplete. */
export type Severity = 'good' | 'open' | 'bad'

/** Of a valid verification, or of none. */
export function sentencesOrNone(verification: ReportedVerification | undefined): readonly string[] {
  return verification === undefined ? [notVerified] : sentencesOf(verification)
}

const notVerified = 'The trail was not verified, so it may have been changed.'

function sentencesOf(verification: ReportedVerification): string[] {
  const { ok, problem, tornIndexLines = [] } = verification
  const about = [...machines(verification), ...indexSentences(verification), ...foreignFiles(verification)]
  const left = [...leftOut(verification), ...clockSentences(verification)]
  if (problem !== undefined || !ok) return [...damage(verification), ...left, ...about]
  const open = [...proof(verification), ...openEnds(verification), ...tornIndexLines.map(tornLine)]
  return [verified(verification), ...open, ...left, ...about]
}

function verified({ records, range, segments }: ReportedVerification): string {
  if (!isPart(range)) return `Verified: every record is as it was written (${grouped(records)}).`
  if (segments?.length === 0) return 'Nothing was verified: the range that was asked for has no segment in it.'
  return `Verified: every record of the segments that were looked at is as it was written (${grouped(records)}).`
}

/** Segments outside the range may be damaged. */
function leftOut({ range }: ReportedVerification): string[] {
  if (range === undefined || !isPart(range)) return []
  return [
    `Segments that were not looked at, since they are of another time by the clocks of their hosts, or before the key: ${grouped(range.segmentsLeftOut)}. So this is no verdict on the whole trail.`,
    ...writtenTimes(range),
  ]
}

function writtenTimes({ writtenFrom, writtenUntil }: NonNullable<ReportedVerification['range']>): string[] {
  if (writtenFrom === undefined || writtenUntil === undefined) return []
  return [`By those clocks the trail was written to from ${minute(writtenFrom)} to ${minute(writtenUntil)} UTC.`]
}

/** A range that leaves no segment out is the whole trail. */
function isPart(range: ReportedVerification['range']): boolean {
  return range !== undefined && range.segmentsLeftOut > 0
}

/** By what it is proven that nothing is missing, and until when. */
function proof({ checkpoints, isIndexWhole, segments, provenUntil }: ReportedVerification): string[] {
  if (segments?.length === 0) return []
  if (checkpoints?.newest === undefined) return [noCheckpoint, ...(isIndexWhole === false ? [openIndex] : [])]
  const { count, newest, areSigned } = checkpoints
  const what = `${grouped(count)} ${areSigned ? 'signed ' : ''}${count === 1 ? 'checkpoint' : 'checkpoints'}`
  if (provenUntil === undefined)
    return [`${what} were compared, the newest of ${minute(newest)} UTC, and none of an end that is open. ${signatures(areSigned)}`]
  const later = minute(newest) === minute(provenUntil) ? '' : ` The newest is of ${minute(newest)} UTC.`
  return [
    `Complete until ${minute(provenUntil)} UTC, by ${what}: had an earlier record been removed, they would show it.${later} ${signatures(areSigned)}`,
  ]
}

function signatures(areSigned: boolean): string {
  return areSigned
    ? 'Each of them is signed, and the signature was verified.'
    : "Their signatures were not verified: a holder of the auditor's key could have forged them."
}

const noCheckpoint =
  'No checkpoint was compared, so it is not proven until when the trail is complete. An older copy of the folder would read the same, and so would one whose last records were removed. Verify again with the checkpoints, which are kept away from the host.'
const openIndex =
  "Without the folder's key, which copies leave out, nothing shows either whether later segments were removed with the end of the index."

/** What is wrong, first in words for the whole, then place by place. */
function damage(verification: ReportedVerification): string[] {
  const { records, problem, problems, problemsLeftOut = 0, damaged = 0, missing = 0 } = verification
  const all = problems ?? (problem === undefined ? [] : [problem])
  if (all.length === 0) return ['The trail is NOT as it was written: what is wrong is not known.']
  const [first] = all
  if (first?.what === 'wrong key' && records === 0) return [`Nothing was verified: ${seen(first.explanation)}.`]
  const more = all.length - mostShown + problemsLeftOut
  const rest = more > 0 ? [`and ${grouped(more)} further ${more === 1 ? 'problem' : 'problems'}`] : []
  const places = `${[...all.slice(0, mostShown).map(located), ...rest].join('; ')}.`
  const counts = `Records: ${grouped(records)} verified, ${grouped(damaged)} damaged, ${grouped(missing)} missing.`
  const isCutShort = problemsLeftOut + damaged === 0 && all.every(({ mayBeCopy }) => mayBeCopy === true)
  if (isCutShort) return [`${cutShort} ${places} ${counts}`, ...copyAgain]
  const fork = all.find(({ what }) => what === 'forked')
  return [`The trail is NOT as it was written: ${share(verification)}${places} ${counts}`, ...(fork === undefined ? [] : twoHistories)]
}

function share({ segments, segmentsLeftOut = 0 }: ReportedVerification): string {
  if (segments === undefined) return ''
  const all = segments.length + segmentsLeftOut
  const altered = segments.filter(({ status }) => status !== 'verified').length
  return segmentsLeftOut > 0 && altered >= mostListed
    ? `${grouped(altered)} or more of ${grouped(all)} segments are damaged or missing; `
    : `${grouped(all - altered)} of ${grouped(all)} segments are as they were written; `
}

/** A verification lists so many altered segments. */
const mostListed = 10_000

const cutShort = 'The trail is NOT complete. What is here is as it was written, but its end does not fit:'
const copyAgain = [
  'A copy that was made while the service wrote looks so, an older copy too, and so does a folder whose end was removed.',
  'Copy it again by `audit copy`, or in this order: the checkpoints, the index, the segments. If that says the same, records were removed.',
]
const twoHistories = [
  'Two histories of this folder are authentic, so two machines or processes wrote as one: a copied machine, a snapshot, an image, or a folder that was set back.',
  "Records of the other history are not here. The name of a checkpoint's file holds its host. A holder of the auditor's key could forge a history, too.",
]

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

/** Ends that are known and cannot change any more are counted; those that are new are named. */
function openEnds({ unproven, unprovenLeftOut = 0 }: ReportedVerification): string[] {
  const [known, open] = [unproven.filter(isKnown), unproven.filter((end) => !isKnown(end))]
  return [...newEnds(open), ...knownEnds(known, unprovenLeftOut)]
}

type UnprovenEnd = ReportedVerification['unproven'][number]

function isKnown({ recordedAt, sealedBehind = 0 }: UnprovenEnd): boolean {
  return recordedAt !== undefined && sealedBehind === 0
}

function newEnds(open: readonly UnprovenEnd[]): string[] {
  if (open.length === 0) return []
  const more = open.length - mostShown
  const rest = more > 0 ? [`${grouped(more)} more`] : []
  const ends = [...open.slice(0, mostShown).map(openEnd), ...rest].join('; ')
  return [
    `Open, since the process runs or died without a successor: ${ends}.`,
    'A writer of the folder may have removed later records there, unnoticed. Later checkpoints or the next start of the service close these ends.',
    ...open.slice(0, mostShown).flatMap(behindHole),
  ]
}

function openEnd({ file, lastLine, provenUntil }: UnprovenEnd): string {
  const until = provenUntil === undefined ? 'proven by no checkpoint' : `proven until ${minute(provenUntil)} UTC`
  return `the end of ${seen(file)} behind line ${grouped(lastLine)}, ${until}`
}

function behindHole({ file, sealedBehind = 0 }: UnprovenEnd): string[] {
  if (sealedBehind === 0) return []
  const stand = sealedBehind === 1 ? 'record stands' : 'records stand'
  return [
    `In ${seen(file)}, ${grouped(sealedBehind)} sealed ${stand} behind a hole, from the same write: a power cut leaves that, or an overwrite of the end.`,
  ]
}

/** `more` are not listed: their times are not known. */
function knownEnds(known: readonly UnprovenEnd[], more: number): string[] {
  if (known.length === 0) return []
  const last = more > 0 ? '' : `, the last recorded at ${minute(latestOf(known))} UTC`
  const count = known.length + more
  const what = count === 1 ? '1 process was' : `${grouped(count)} processes were`
  return [
    `Known and closed: ${what} killed or lost power${last}. What such a process wrote behind its last checkpoint${more > 0 ? '' : longestTime(known)} may have been removed before that, and cannot be removed since.`,
  ]
}

function latestOf(known: readonly UnprovenEnd[]): number {
  return Math.max(...known.map(({ recordedAt = 0 }) => recordedAt))
}

/** How long records were at risk at the worst of these ends. */
function longestTime(known: readonly UnprovenEnd[]): string {
  const times = known.flatMap(({ provenUntil, recordedAt = 0 }) => (provenUntil === undefined ? [] : [recordedAt - provenUntil]))
  const longest = Math.max(...times)
  return times.length < known.length || longest < 0 ? '' : `, in ${duration(longest)} at most,`
}

/** Containers of one machine share a folder rightly. Copied machines show themselves so too. */
function machines({ hostsAtOnce: hosts = [] }: ReportedVerification): string[] {
  if (hosts.length === 0) return []
  const more = hosts.length > mostShown ? ` and ${grouped(hosts.length - mostShown)} more` : ''
  return [
    `Hosts that wrote to this folder at the same time: ${hosts
      .slice(0, mostShown)
      .map((host) => seen(host))
      .join(', ')}${more}. Containers of one machine may share a folder; several machines may not.`,
  ]
}

/** A recorded line is explained; an unrecorded one may have been added. */
function tornLine({ line, bytes, isRecorded }: NonNullable<ReportedVerification['tornIndexLines']>[number]): string {
  const where = `${grouped(bytes)} ${bytes === 1 ? 'byte' : 'bytes'} of an unfinished line ${grouped(line)} of index.jsonl`
  return isRecorded
    ? `The next process found ${where}, and recorded that.`
    : `At its end are ${where}: a process died while it wrote them, or still writes them, or they were added. Nothing depends on them.`
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
export function verificationSeverity(verification: ReportedVerification | undefined): Severity {
  if (verification === undefined) return 'open'
  const { ok, unproven, checkpoints, tornIndexLines = [], range, pruned = [] } = verification
  if (!ok) return 'bad'
  if (isPart(range) || pruned.some(({ isSigned }) => !isSigned)) return 'open'
  const isProven = checkpoints?.newest !== undefined && unproven.every(isBounded) && tornIndexLines.every(({ isRecorded }) => isRecorded)
  return isProven ? 'good' : 'open'
}

/** A process sends its first checkpoint with its first records, behind the header and its seal. */
function isBounded({ lastLine, provenUntil, sealedBehind = 0 }: ReportedVerification['unproven'][number]): boolean {
  return sealedBehind === 0 && (provenUntil !== undefined || lastLine <= linesOfHeader)
}

const linesOfHeader = 2
