import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EndedSegment } from './index-line.ts'
import { IndexTable } from './index-table.ts'

const [count, time] = [fc.oneof(fc.nat({ max: 3 }), fc.maxSafeNat()), fc.nat({ max: 20 })]
const seals = fc.oneof(
  fc.constant(''),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.string(), // by a holder of the auditor's key
)
const found = fc.constantFrom('ended', 'cut', 'missing', 'unused', 'otherwise' as 'cut')
const ended: fc.Arbitrary<Omit<EndedSegment, 'step'>> = fc.record({ bytes: count, group: count, records: count, torn: count, seals, found })

interface Line {
  readonly step: number
  readonly time: number
  readonly opens: boolean
  readonly ended: readonly EndedSegment[]
}

/** Each line ends some of the segments that lines before it opened. */
const lines: fc.Arbitrary<readonly Line[]> = fc
  .array(fc.record({ skip: fc.nat({ max: 2 }), time, opens: fc.boolean(), ends: fc.array(ended, { maxLength: 2 }) }), { maxLength: 30 })
  .map((drawn) => {
    let [step, open]: [number, number[]] = [0, []]
    return drawn.map(({ skip, time: at, opens, ends }) => {
      step += 1 + skip
      const over = ends.slice(0, open.length).map((end) => ({ ...end, step: open.pop() ?? 0 }))
      if (opens) open.push(step)
      return { step, time: at, opens, ended: over }
    })
  })

function tableOf(of: readonly Line[]): IndexTable {
  const table = new IndexTable()
  for (const line of of) {
    for (const end of line.ended) table.addEnd(end, line.step)
    table.addLine(line)
  }
  return table
}

/** The rule as docs/audit.md says it, line by line. */
function oldOnes(of: readonly Line[], before: number, now: number): readonly EndedSegment[] {
  let latest = 0
  const old: EndedSegment[] = []
  for (const { time: at, ended: over } of of) {
    if (at <= now) latest = Math.max(latest, at)
    if (Math.max(at, latest) < before) old.push(...over)
  }
  return old.toSorted((one, other) => one.step - other.step)
}

test('what lines say of segments is given back', () => {
  fc.assert(
    fc.property(lines, (of) => {
      const table = tableOf(of)
      const ends = of.flatMap((line) => line.ended.map((end) => ({ end, at: line.time })))
      expect([...table.ends()]).toEqual(ends.map(({ end }) => end))
      expect([...table.opened]).toEqual(of.filter(({ opens }) => opens).map(({ step }) => step))
      for (const { step, time: opened, opens } of of) {
        const over = ends.find(({ end }) => end.step === step)
        expect([table.endOf(step), table.hasEnd(step)]).toEqual([over?.end, over !== undefined])
        expect(table.timesOf(step)).toEqual(opens ? { opened, ...(over && { ended: over.at }) } : undefined)
      }
    }),
  )
})

test('a segment counts as old only if the lines above the one of its end are old too', () => {
  fc.assert(
    fc.property(lines, time, time, fc.array(fc.nat({ max: 60 })), (of, before, now, left) => {
      const old = [...tableOf(of).endedBefore(before, now, (step) => left.includes(step))]
      expect(old).toEqual(oldOnes(of, before, now).filter(({ step }) => !left.includes(step)))
    }),
  )
})
