import { describe, expect, it } from 'vitest'
import { summarize } from '../query/summarize.ts'
import { aRecord } from '../testing/sample-records.ts'
import { reportSentences, reportSeverity, type ReportSubject, summaryReport } from './report.ts'

const newest = Date.UTC(2026, 0, 1)
const proved = { ok: true, records: 3, unproven: [], checkpoints: { count: 7, newest, areSigned: false }, provenUntil: newest }
const altered = { ok: false, records: 2, unproven: [] }
const hosts = ['web-1', 'web-2'].map((host) => aRecord({ host, service: 'shop' }))

async function said(subject: ReportSubject): Promise<readonly string[]> {
  const summary = await summarize(hosts)
  return [reportSeverity(subject, summary), ...reportSentences(subject, summary)]
}

describe('the verdict on several folders', () => {
  it('says that all are proved, and until when at least', async () => {
    const later = { ...proved, provenUntil: newest + 86_400_000 }
    const [severity, first, ...each] = await said({
      trails: [
        { folder: 'a', verification: proved },
        { folder: 'b', verification: later },
      ],
    })
    expect([severity, first]).toEqual([
      'good',
      'Verified: every record in 2 folders is as it was written (6), and complete until 2026-01-01 00:00 UTC at least.',
    ])
    expect(each).toEqual([
      'a: Verified: every record is as it was written (3).',
      expect.stringMatching(/^a: Complete until 2026-01-01/),
      'b: Verified: every record is as it was written (3).',
      expect.stringMatching(/^b: Complete until 2026-01-02/),
    ])
  })

  it('is that of the worst', async () => {
    const open = { folder: 'b', verification: { ...proved, checkpoints: undefined, provenUntil: undefined } }
    const first = async (verification: typeof proved | typeof altered): Promise<readonly string[]> =>
      (await said({ trails: [{ folder: 'a', verification }, open] })).slice(0, 2)
    expect(await first(proved)).toEqual(['open', 'Of 2 folders, none is known to be altered, and 1 is not proved as a whole: b.'])
    expect(await first(altered)).toEqual(['bad', 'Of 2 folders, 1 is altered or incomplete: a.'])
  })

  it('names a folder that could not be verified, and why', async () => {
    const trails = [
      { folder: 'a', verification: proved },
      { folder: 'b', failure: 'the folder of the audit trail does not exist' },
    ]
    const sentences = await said({ trails })
    expect(sentences[0]).toBe('open')
    expect(sentences[2]).toBe(
      'b: It could not be verified, and none of its records may be here: the folder of the audit trail does not exist.',
    )
  })

  it('is bad for one folder with two histories, and says of a copy that its records count twice', async () => {
    const twins = (relation: 'forked' | 'older' | 'newer' | 'same') => ({
      trails: [
        { folder: 'a', verification: proved, twin: { folder: 'b', relation } },
        { folder: 'b', verification: proved },
      ],
    })
    const forked = await said(twins('forked'))
    expect([forked[0], forked[4]]).toEqual(['bad', expect.stringContaining('two machines wrote as one')])
    expect((await said(twins('older')))[4]).toBe('a: It is an older copy of b, so its records are counted twice.')
    expect((await said(twins('newer')))[4]).toContain('b is an older copy of it')
    const same = await said(twins('same'))
    expect([same[0], same[4]]).toEqual(['good', expect.stringContaining('the same folder as b')])
  })
})

describe('hosts and services that should be there', () => {
  it('are named if they are missing, before all that is proved, and leave the report open', async () => {
    const expected = ['web-1', 'web-3', 'shop', 'job-*']
    const missing = 'Missing: no record of web-3, job-*, expected in this report.'
    const whole = 'Verified: every record is as it was written (3).'
    expect((await said({ verification: proved, expected })).slice(0, 3)).toEqual(['open', missing, whole])
    expect(await said({ verification: altered, expected })).toEqual(['bad', expect.stringContaining('NOT as it was written'), missing])
    expect((await said({ verification: proved, expected: ['web-*', 'shop'] }))[0]).toBe('good')
  })

  it('stand first in the table of hosts', async () => {
    const summary = await summarize([aRecord({ host: 'web-1', time: newest }), aRecord({ host: 'web-2', time: newest + 3_600_000 })])
    const report = summaryReport(summary, { format: 'csv', verification: proved, expected: ['web-3'], madeAt: newest + 3_600_000 })
    const [, table = ''] = report.split('"Hosts and services"\r\n')
    expect(table.split('\r\n').slice(1, 4)).toEqual([
      '"web-3","expected, and missing","0","","",""',
      '"web-1","shop","1","2026-01-01T00:00:00.000Z","2026-01-01T00:00:00.000Z","1 hour"',
      '"web-2","shop","1","2026-01-01T01:00:00.000Z","2026-01-01T01:00:00.000Z",""',
    ])
  })
})

describe('a host that fell silent', () => {
  const silent = (text: string): readonly (string | undefined)[] =>
    (text.split('"Hosts and services"\r\n')[1] ?? '')
      .split('\r\n')
      .slice(1, 3)
      .map((row) => row.split(',').at(-1))

  it('is so until the report was made, or the range ended, though all fell silent at once', async () => {
    const summary = await summarize(['web-1', 'web-2'].map((host) => aRecord({ host, time: newest })))
    const madeAt = newest + 86_400_000
    const until = newest + 7_200_000
    const report = (range?: { readonly until: number }): string => summaryReport(summary, { format: 'csv', madeAt, range })
    expect(silent(report())).toEqual(['"1 day"', '"1 day"'])
    expect(silent(report({ until }))).toEqual(['"2 hours"', '"2 hours"'])
    expect(silent(report({ until: madeAt * 2 }))).toEqual(['"1 day"', '"1 day"'])
  })
})

describe('what is no subject of a report', () => {
  it.each<[string, object]>([
    ['`trails` is no list', { trails: {} }],
    ['`trails` is no list', { trails: [7] }],
    ['`trails` is no list', { trails: [{ folder: 7 }] }],
    ['`trails` is no list', { trails: [{ twin: { folder: 'a', relation: 'else' } }] }],
    ['`verification` has no such', { trails: [{ verification: {} }] }],
    ['`expected` is no list', { expected: 'web-1' }],
    ['`expected` is no list', { expected: [7] }],
    ['are both given', { trails: [], verification: proved }],
    ['expect', { expect: ['web-1'] }],
  ])('is refused: %s of %j', async (problem, subject) => {
    const summary = await summarize([])
    const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(problem) })
    expect(() => reportSentences(subject, summary)).toThrow(refusal)
    expect(() => reportSeverity(subject, summary)).toThrow(refusal)
    expect(() => summaryReport(summary, { format: 'text', ...subject })).toThrow(refusal)
  })

  it('is a list of hosts without the summary in which to look for them', () => {
    expect(() => reportSentences({ expected: ['web-1'] })).toThrow(/pass await summarize/)
    expect(reportSeverity({ verification: proved })).toBe('good')
  })
})
