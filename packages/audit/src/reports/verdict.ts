import { grouped, minute, seen } from './shown.ts'

/** As much of what `verifyAuditTrail` says as a report shows. */
export interface ReportedVerification {
  readonly ok: boolean
  readonly records: number
  readonly problem?: { readonly what: string; readonly file: string; readonly line: number; readonly explanation: string } | undefined
  /** `false`: whether lines of the index, and with them whole segments, are missing at its end, nothing says. */
  readonly isIndexWhole?: boolean | undefined
  readonly cutIndexLines?: readonly { readonly line: number; readonly bytes: number; readonly isRecorded: boolean }[] | undefined
  readonly unproven: readonly { readonly file: string; readonly lastLine: number; readonly provenUntil?: number | undefined }[]
}

/** One sentence, the first that an auditor reads. */
export function verdictOf(verification: ReportedVerification | undefined): string {
  if (verification === undefined) return 'The trail was not verified: anybody may have changed it.'
  const { ok, records, problem, unproven, isIndexWhole, cutIndexLines = [] } = verification
  if (problem !== undefined || !ok)
    return `The trail is NOT as it was written: ${located(problem)} Authentic records before it: ${grouped(records)}.`
  const verified = `Verified: every record is as it was written (${grouped(records)}).`
  return [verified, ...openEnds(unproven), ...(isIndexWhole === false ? [openIndex] : []), ...cutIndexLines.map(cutLine)].join(' ')
}

const openIndex = "Whether later segments were removed together with the end of the index is not proven: the folder's key was not there."

function located(problem: ReportedVerification['problem']): string {
  if (problem === undefined) return 'what is wrong is not known.'
  const { what, file, line, explanation } = problem
  return `${seen(what)} in ${seen(file)}, line ${grouped(line)}: ${seen(explanation)}.`
}

/** A disk that was full for a night may have left hundreds; more than these would bury the rest. */
const mostEnds = 10

function openEnds(unproven: ReportedVerification['unproven']): string[] {
  const more = unproven.length - mostEnds
  const rest = more > 0 ? [`The ends of ${grouped(more)} further segments are not proven to the last either.`] : []
  return [...unproven.slice(0, mostEnds).map(openEnd), ...rest]
}

function openEnd({ file, lastLine, provenUntil }: ReportedVerification['unproven'][number]): string {
  const since = provenUntil === undefined ? 'by no checkpoint' : `only until ${minute(provenUntil)} UTC`
  return `That nothing was cut off behind line ${grouped(lastLine)} of ${seen(file)} is proven ${since}.`
}

/** What is recorded was found by the next process and is explained; what is not may as well have been added. */
function cutLine({ line, bytes, isRecorded }: NonNullable<ReportedVerification['cutIndexLines']>[number]): string {
  const where = `${grouped(bytes)} ${bytes === 1 ? 'byte' : 'bytes'} of an unfinished line ${grouped(line)} of index.jsonl`
  return isRecorded
    ? `The next process found ${where}, and recorded that.`
    : `At its end are ${where}: a process died while it wrote them, or is at it, or somebody added them. Nothing depends on them.`
}

export function toneOf(verification: ReportedVerification | undefined): 'good' | 'bad' | 'open' {
  if (verification === undefined) return 'open'
  const { ok, unproven, isIndexWhole, cutIndexLines = [] } = verification
  if (!ok) return 'bad'
  return unproven.length === 0 && isIndexWhole !== false && cutIndexLines.every(({ isRecorded }) => isRecorded) ? 'good' : 'open'
}
