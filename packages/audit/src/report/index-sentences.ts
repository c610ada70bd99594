import { inForce } from '../format/legal-holds.ts'
import type { ErasedNamesMark, PrunedSegments } from '../format/prune-mark.ts'
import { duration, grouped, minute, seen } from './display-text.ts'
import type { ReportedVerification } from './reported-verification.ts'

/** What the index tells beside the segments: folders, removals, holds and erasures. */
export function indexSentences(verification: ReportedVerification): readonly string[] {
  return [...folders(verification), ...prunes(verification), ...hold(verification), ...erasures(verification)]
}

/** More would bury the rest. */
export const mostShown = 10

function folders({ folders: all = [] }: ReportedVerification): string[] {
  const names = all.map(({ name }) => name).filter((name) => name !== '')
  if (names.length === 0) return []
  const more = names.length > mostShown ? `, and ${grouped(names.length - mostShown)} before` : ''
  const shown = names.slice(-mostShown).map((name) => seen(name))
  return [
    `The trail goes on in ${names.length === 1 ? '1 further folder' : `${grouped(names.length)} further folders`}, verified with it: ${shown.join(', ')}${more}.`,
  ]
}

function prunes({ pruned = [] }: ReportedVerification): string[] {
  const more = pruned.length - mostShown
  const rest = more > 0 ? [`Records were removed for their age ${grouped(more)} times before that.`] : []
  return [...pruned.slice(-mostShown).map(prune), ...rest]
}

function prune({ time, endedBefore, reason, segments, records, isSigned }: PrunedSegments): string {
  const what = `${grouped(records)} ${records === 1 ? 'record' : 'records'} in ${grouped(segments)} ${segments === 1 ? 'segment' : 'segments'}`
  const why = `Removed at ${minute(time)} UTC for their age: ${what}, older than ${minute(endedBefore)} UTC, by "${seen(reason)}".`
  return isSigned ? why : `${why} No signature shows who removed them: every writer of the folder can do that, so the verdict is open.`
}

/** Each release stays in the report: a writer of the folder may have released a hold to prune records. */
function hold({ holds = [] }: ReportedVerification): string[] {
  const [present, released] = [inForce(holds), holds.filter(({ isHeld }) => !isHeld)]
  const moreHeld = present.length - mostShown
  const held = present.slice(0, mostShown).map(({ time, reason }) => `Under a legal hold since ${minute(time)} UTC: "${seen(reason)}".`)
  const alsoHeld = moreHeld > 0 ? [`Under ${grouped(moreHeld)} further legal holds that began later.`] : []
  const more = released.length - mostShown
  const rest = more > 0 ? [`Legal holds were ended ${grouped(more)} times before that.`] : []
  return [...held, ...alsoHeld, ...released.slice(-mostShown).map((each) => release(each, endedBy(each, holds))), ...rest]
}

type Hold = NonNullable<ReportedVerification['holds']>[number]

/** Holds that this end ended. */
function endedBy(end: Hold, holds: readonly Hold[]): readonly Hold[] {
  const before = inForce(holds.slice(0, holds.indexOf(end)))
  return end.ends === undefined ? before : before.filter(({ reason }) => reason === end.ends)
}

function release({ time, reason }: Hold, ended: readonly Hold[]): string {
  const each = ended.slice(0, mostShown).map((begun) => `since ${minute(begun.time)} UTC, "${seen(begun.reason)}",`)
  const which =
    each.length > 1 ? `${grouped(ended.length)} legal holds, ${each.join(' and ')} were` : ['A legal hold', ...each, 'was'].join(' ')
  return `${which} ended at ${minute(time)} UTC: "${seen(reason)}". No signature shows who ended it: every writer of the folder can do that.`
}

/** The records themselves are whole: this is no problem, and nothing else tells of it. */
function erasures({ erasures: all = [] }: ReportedVerification): string[] {
  const more = all.length - mostShown
  const rest = more > 0 ? [`Names were erased ${grouped(more)} times before that.`] : []
  return [...all.slice(-mostShown).map(erasure), ...rest]
}

function erasure({ time, pseudonyms, reason }: ErasedNamesMark): string {
  const [names, their] =
    pseudonyms.length === 1 ? ['1 name of a person was', 'its'] : [`${grouped(pseudonyms.length)} names of persons were`, 'their']
  const more = pseudonyms.length > mostShown ? ` and ${grouped(pseudonyms.length - mostShown)} more` : ''
  const shown = pseudonyms.slice(0, mostShown).map((each) => `"erased name ${seen(each)}"`)
  return `${names} erased at ${minute(time)} UTC: "${seen(reason)}". The records are whole, with ${shown.join(', ')}${more} in ${their} place. No signature shows who ordered it: every writer of the folder can do that.`
}

/** Records of a wrong time may be outside of any range that is asked for. */
export function clockSentences({ clock: wrong }: ReportedVerification): string[] {
  if (wrong === undefined) return []
  const { setBackMs, file, line, aheadMs } = wrong
  const back = setBackMs === 0 ? [] : [`was set back by ${duration(setBackMs)} before line ${grouped(line)} of ${seen(file)}`]
  const ahead = aheadMs === 0 ? [] : [`is ${duration(aheadMs)} ahead of the clock here`]
  return [
    `A host's clock ${[...back, ...ahead].join(', and ')}. So times of records may be wrong, and a range may leave out records of its time: look without one.`,
  ]
}
