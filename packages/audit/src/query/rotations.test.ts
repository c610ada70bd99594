import type { AuditRecord } from '@finchat/secrets-core'
import { describe, expect, it } from 'vitest'
import { aRecord } from '../testing/sample-records.ts'
import type { RotationSummary } from './audit-summary.ts'
import { summaryReport } from '../report/report.ts'
import { summarize, type SummarizeOptions } from './summarize.ts'

const dayMs = 86_400_000
const at = (day: number): number => Date.UTC(2026, 0, 1) + day * dayMs

/** Outcomes of one rotator, a minute apart: `stage 2`, `apply error UNAVAILABLE`. */
function steps(day: number, texts: readonly string[], said: Partial<AuditRecord> = {}): AuditRecord[] {
  return texts.map((text, index) => {
    const [operation = '', second, code] = text.split(' ')
    const failed = second === 'error' && { outcome: 'error' as const, code: code as NonNullable<AuditRecord['code']> }
    const version = second === undefined || second === 'error' ? undefined : Number(second)
    return aRecord({ name: 'db', actor: 'nightly', time: at(day) + index * 60_000, operation, version, ...failed, ...said })
  })
}

async function rotationsOf(records: readonly AuditRecord[], options: SummarizeOptions = {}): Promise<readonly RotationSummary[]> {
  return (await summarize(records, options)).rotations
}

const rotation = ['stage 2', 'get 2', 'apply 2', 'test 2', 'promote 2']

describe('the rotations of a trail', () => {
  it('tell of each secret how often, by whom and with what outcome, and how old it is', async () => {
    const second = steps(40, ['stage 3', 'apply 3', 'test 3', 'promote 3'], { actor: 'ana' })
    expect(await rotationsOf([...steps(10, rotation), ...second], { now: at(52) })).toEqual([
      { name: 'db', rotations: 2, outcome: 'rotated', by: 'ana', last: at(40) + 180_000, lastChanged: at(40) + 180_000, days: 11 },
    ])
  })

  it.each<[string, readonly string[], Partial<RotationSummary>]>([
    ['rotateSecret alone', ['rotate 2'], { outcome: 'rotated', rotations: 1, last: at(0) }],
    ['a rollback', ['stage 2', 'apply 2', 'test 2', 'rollback 1', 'test 1', 'discard'], { outcome: 'rolledBack', rotations: 0 }],
    ['a failure', ['stage 2', 'apply error UNAVAILABLE'], { outcome: 'failed', code: 'UNAVAILABLE', last: at(0) + 60_000 }],
    ['a test that could not tell', ['stage 2', 'apply 2', 'test error UNAVAILABLE'], { outcome: 'failed', code: 'UNAVAILABLE' }],
    ['one that was broken off', ['stage 2', 'apply 2'], { outcome: 'unfinished', last: at(0) }],
    ['one that failed to stage and then waits', ['stage error UNAVAILABLE', 'stage 2'], { outcome: 'unfinished' }],
    ['one that was finished after a failure', ['stage 2', 'apply error UNAVAILABLE', 'test 2', 'promote 2'], { outcome: 'rotated' }],
    ['another rotator that was faster', [...rotation, 'promote error VERSION_CONFLICT'], { outcome: 'rotated', code: undefined }],
    ['a staged version that was withdrawn by hand', [...rotation, 'stage 3', 'discard'], { outcome: 'rotated', last: at(0) + 240_000 }],
    ['a retirement', [...rotation, 'stage 3', 'test 2', 'retire 1', 'discard'], { outcome: 'rotated', lastRetired: at(0) + 420_000 }],
    ['a retirement that failed', [...rotation, 'stage 3', 'retire error UNAVAILABLE'], { outcome: 'failed', code: 'UNAVAILABLE' }],
  ])('of %s', async (_, texts, expected) => {
    const [row] = await rotationsOf(steps(0, texts))
    expect({ ...row }).toMatchObject(Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)))
    if (!('code' in expected) || expected.code === undefined) expect(row?.code).toBeUndefined()
  })

  it('are the same in whichever order the segments of several processes are read', async () => {
    const [first, second] = [steps(0, ['stage 2', 'apply 2'], { actor: 'one' }), steps(1, ['test 2', 'promote 2'], { actor: 'two' })]
    const expected = [expect.objectContaining({ outcome: 'rotated', by: 'two', rotations: 1 })]
    expect(await rotationsOf([...first, ...second])).toEqual(expected)
    expect(await rotationsOf([...second, ...first])).toEqual(expected)
  })

  it('name who withdrew the former value', async () => {
    const retiring = steps(1, ['stage 3', 'retire 1', 'discard'], { actor: 'ops' })
    expect(await rotationsOf([...steps(0, rotation), ...retiring])).toMatchObject([{ by: 'nightly', retiredBy: 'ops' }])
  })

  it('count many, and keep only the last steps', async () => {
    const many = Array.from({ length: 100 }, (_, day) => steps(day, [`stage ${day}`, `promote ${day}`])).flat()
    expect(await rotationsOf([...many, ...steps(100, ['stage 100'])])).toMatchObject([{ rotations: 100, outcome: 'unfinished' }])
  })

  it('are a change of the secret, and a read of what is staged is none', async () => {
    const reads = ['get 1', 'stage 2', 'get 2', 'discard']
    expect((await summarize(steps(0, reads))).secrets).toMatchObject([{ name: 'db', reads: 2, lastChanged: undefined }])
    const promoted = await summarize(steps(0, ['promote 2', 'get 2']))
    expect(promoted.secrets).toMatchObject([{ name: 'db', lastChanged: at(0) }])
    const elsewhere = [...steps(0, ['get 1']), ...steps(1, ['get 2'])]
    expect((await summarize(elsewhere)).secrets).toMatchObject([{ lastChanged: at(1) }])
  })
})

describe('with policies, the rotations', () => {
  const policies = { db: { everyMs: 30 * dayMs } }

  it('tell when each secret is due at the latest, and whether it is overdue', async () => {
    const due = async (day: number): Promise<unknown> =>
      (await rotationsOf(steps(0, ['rotate 2']), { policies, now: at(day) })).map(({ dueBy, isOverdue, days }) => [dueBy, isOverdue, days])
    expect(await due(29)).toEqual([[at(30), false, 29]])
    expect(await due(30)).toEqual([[at(30), true, 30]])
  })

  it('name secrets that this trail never saw change: overdue once it goes back far enough', async () => {
    const read = [aRecord({ name: 'db', time: at(0), version: 7 })]
    const seen = async (day: number): Promise<unknown> => rotationsOf(read, { policies, now: at(day) })
    expect(await seen(29)).toEqual([{ name: 'db', rotations: 0 }])
    expect(await seen(30)).toEqual([{ name: 'db', rotations: 0, isOverdue: true }])
  })

  it('say nothing of the age of what is not used or was deleted', async () => {
    const records = [...steps(0, ['rotate 2']), ...steps(1, ['delete']), aRecord({ name: 'other', time: at(90) })]
    const rotations = await rotationsOf(records, { policies: { ...policies, never: { everyMs: 1 } } })
    expect(rotations.map(({ name, dueBy, isOverdue }) => [name, dueBy, isOverdue])).toEqual([
      ['db', undefined, undefined],
      ['never', undefined, undefined],
    ])
  })

  it('begin with the overdue ones, and are in every format', async () => {
    const records = [...steps(0, ['rotate 2'], { name: 'z' }), ...steps(0, ['stage 2', 'apply error PERMISSION_DENIED'], { name: 'b' })]
    const summary = await summarize(records, { policies: { z: { everyMs: dayMs }, a: { everyMs: dayMs } }, now: at(40) })
    expect(summary.rotations.map(({ name }) => name)).toEqual(['z', 'a', 'b'])
    const text = summaryReport(summary, { format: 'text' })
    expect(text).toMatch(/z +1 +rotated +2026-01-01 00:00 +nightly +– +2026-01-01 00:00 +40 +2026-01-02 00:00 +overdue/)
    expect(text).toMatch(/b +0 +failed PERMISSION_DENIED +2026-01-01 00:01 +nightly/)
    expect(summaryReport(summary, { format: 'html' })).toContain('>Rotations</h2>')
    expect(JSON.parse(summaryReport(summary, { format: 'json' })).summary.rotations[0]).toMatchObject({ name: 'z', isOverdue: true })
  })

  it.each([[{ db: {} }], [{ db: { everyMs: 0 } }], [{ db: undefined }], [7]])('are refused for %o', async (misspelt) => {
    await expect(summarize([], { policies: misspelt as never })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
