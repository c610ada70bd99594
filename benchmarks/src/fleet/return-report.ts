import { markdownTable, paragraph } from '../harness/table.ts'
import { cell, counted, marked } from './cells.ts'
import { fleetSizes, limits } from './figures.ts'
import type { ReturnFigures, ReturnsReport } from './return-figures.ts'
import { outages } from './timeline.ts'

/** Seconds until processes get fresh answers after an outage, and the store's load. */
export function returnsText({ sample, settings, failedReads, failedWithRetryAt }: ReturnsReport): string {
  const of = (held: ReturnFigures['held']): string => returnsTable(settings.filter((each) => each.held === held))
  const [cold, stale] = [outages.nothing, outages.stale]
  return [
    paragraph(
      `After an outage, ${counted(sample)} managers. The store refuses connections, or hangs: it never answers, and calls end at the deadline of 5 s. ` +
        'A process reads one of its secrets each half second, in turn. "Down" and "back" are calls per second to the store: the mean and the highest second of the outage, and the highest second after it.',
    ),
    paragraph(
      `Processes that start while the store is down, for ${cold.backAt - cold.from} s, and hold nothing: seconds from its return to the first answer of each.`,
    ),
    of('nothing'),
    paragraph(
      `Processes with stale values; the store is down for ${stale.backAt - stale.from} s. Seconds from its return to the first fresh answer for each secret:`,
    ),
    of('stale'),
    paragraph(
      `${counted(failedReads)} reads failed in these outages. ${counted(failedWithRetryAt)} of their errors have a \`retryAt\`, from which the store may be asked again. ${unansweredText(settings)}`,
    ),
  ].join('\n\n')
}

function unansweredText(settings: readonly ReturnFigures[]): string {
  const unanswered = settings.reduce((sum, each) => sum + each.unanswered, 0)
  return unanswered === 0 ? 'In the end every process had its answers.' : `In the end ${counted(unanswered)} had **no answer**.`
}

function returnsTable(settings: readonly ReturnFigures[]): string {
  const sizes = fleetSizes.flatMap((size) => [`${counted(size)}: down`, 'back'])
  const lines = settings.map(({ seconds: { early, median, late, worst }, loads, ...setting }) => [
    titleOf(setting),
    ...[early, median, late, worst].map((value) => value.toFixed(1)),
    ...loads.flatMap(({ outage, returnPeak }) => [cell(outage, limits.getSecretValue), marked(returnPeak, limits.getSecretValue)]),
  ])
  return markdownTable(['', '5 %', 'median', '95 %', 'worst', ...sizes], lines)
}

function titleOf({ fault, secrets, hasSharedCache }: Pick<ReturnFigures, 'fault' | 'secrets' | 'hasSharedCache'>): string {
  return `${fault}, ${secrets === 1 ? '1 secret' : `${secrets} secrets`}${hasSharedCache ? ', shared cache' : ''}`
}
