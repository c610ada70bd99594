import { describe, expect, it } from 'vitest'
import type { ReportedVerification } from './reported-verification.ts'
import { verificationSentences, verificationSeverity, sentencesOrNone } from './verification-summary.ts'

const newest = Date.UTC(2026, 0, 1)
const verified = {
  ok: true,
  records: 3_013,
  unproven: [],
  checkpoints: { count: 4_711, newest, areSigned: false },
  provenUntil: newest,
}
const whole = 'Verified: every record is as it was written (3,013).'
const complete =
  'Complete until 2026-01-01 00:00 UTC, by 4,711 checkpoints: had an earlier record been removed, they would show it. ' +
  "Their signatures were not verified: a holder of the auditor's key could have forged them."

const said = (verification: ReportedVerification): readonly [severity: string, ...sentences: string[]] => [
  verificationSeverity(verification),
  ...verificationSentences(verification),
]

describe('the verdict on a trail that is as it was written', () => {
  it('says until when it is complete, and by what', () => {
    expect(said(verified)).toEqual(['good', whole, complete])
    const signed = { ...verified, checkpoints: { count: 1, newest, areSigned: true } }
    expect(said(signed)[2]).toContain('by 1 signed checkpoint: ')
  })

  it('says of checkpoints whether their signatures were verified, also if they prove no open end', () => {
    for (const provenUntil of [newest, undefined]) {
      const of = (areSigned: boolean): string | undefined =>
        said({ ...verified, provenUntil, checkpoints: { count: 2, newest, areSigned } })[2]
      expect(of(true)).toMatch(/Each of them is signed, and the signature was verified\.$/)
      expect(of(false)).toMatch(/Their signatures were not verified: a holder of the auditor's key could have forged them\.$/)
    }
  })

  it('says of the newest checkpoint that it is newer than what an idle process proves', () => {
    const [severity, , proof] = said({ ...verified, provenUntil: newest - 86_400_000 })
    expect([severity, proof]).toEqual([
      'good',
      expect.stringMatching(/^Complete until 2025-12-31 00:00 UTC, .* The newest is of 2026-01-01 00:00 UTC\. Their signatures/),
    ])
  })

  it('says without checkpoints what that may hide, and what to do', () => {
    for (const checkpoints of [undefined, { count: 0, areSigned: false }]) {
      const [severity, first, second = '', ...rest] = said({ ...verified, checkpoints, provenUntil: undefined })
      expect([severity, first, rest]).toEqual(['open', whole, []])
      expect(second).toMatch(
        /^No checkpoint was compared, .* An older copy of the folder would read the same, .* Verify again with the checkpoints/,
      )
    }
    expect(said({ ...verified, checkpoints: undefined, isIndexWhole: false })[3]).toMatch(/^Without the folder's key, /)
    expect(said({ ...verified, isIndexWhole: false })).toEqual(['good', whole, complete]) // a copy, with checkpoints
  })

  it('was not verified at all if there is no verification', () => {
    expect([verificationSeverity(undefined), sentencesOrNone(undefined)]).toEqual([
      'open',
      ['The trail was not verified, so it may have been changed.'],
    ])
  })

  it('of a range says what was left out, and is green only if that is nothing', () => {
    const ranged = { ...verified, range: { segmentsLeftOut: 9 }, segments: [{ status: 'verified' }] }
    expect(said(ranged)).toEqual([
      'open',
      'Verified: every record of the segments that were looked at is as it was written (3,013).',
      complete,
      'Segments that were not looked at, since they are of another time by the clocks of their hosts, or before the key: 9. So this is no verdict on the whole trail.',
    ])
    const [writtenFrom, writtenUntil] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 5, 1)]
    expect(said({ ...ranged, range: { segmentsLeftOut: 9, writtenFrom, writtenUntil } }).at(-1)).toBe(
      'By those clocks the trail was written to from 2026-01-01 00:00 to 2026-06-01 00:00 UTC.',
    )
    expect(said({ ...ranged, records: 0, segments: [] })[1]).toMatch(/^Nothing was verified: /)
    const entire = { ...verified, range: { segmentsLeftOut: 0 } }
    expect(verificationSeverity(entire)).toBe('good')
    expect(verificationSentences(entire)).toEqual(verificationSentences(verified))
  })

  it('says that a host’s clock was set back, or is ahead, since a range may leave out records of its time', () => {
    const clock = { setBackMs: 3 * 86_400_000, file: '2026-12-01/index.jsonl', line: 12, aheadMs: 0 }
    expect(said({ ...verified, clock }).at(-1)).toBe(
      "A host's clock was set back by 3 days before line 12 of 2026-12-01/index.jsonl. So times of records may be wrong, and a range may leave out records of its time: look without one.",
    )
    expect(said({ ...verified, clock: { ...clock, aheadMs: 7_200_000 } }).at(-1)).toContain(
      'set back by 3 days before line 12 of 2026-12-01/index.jsonl, and is 2 hours ahead of the clock here. So',
    )
    expect(said({ ...verified, clock: { ...clock, setBackMs: 0, aheadMs: 7_200_000 } }).at(-1)).toMatch(/^A host's clock is 2 hours ahead/)
  })

  it('names the folders in which the trail goes on, the latest of many', () => {
    const named = (...names: string[]): string => said({ ...verified, folders: ['', ...names].map((name) => ({ name })) }).at(-1) ?? ''
    expect(said({ ...verified, folders: [{ name: '' }] })).toEqual(said(verified))
    expect(named('2026-12-01')).toBe('The trail goes on in 1 further folder, verified with it: 2026-12-01.')
    expect(named(...Array.from({ length: 12 }, (_, at) => `20${10 + at}-01-01`))).toMatch(
      /^The trail goes on in 12 further folders, verified with it: 2012-01-01, .*, 2021-01-01, and 2 before\.$/,
    )
  })

  it('names files that were left out', () => {
    const foreign = [{ file: 'notes.txt', explanation: 'the file does not belong to the trail' }]
    expect(said({ ...verified, foreign }).at(-1)).toBe('Files that do not belong there, and were left out: notes.txt.')
  })
})

describe('the verdict on ends', () => {
  const tail = { file: 'segment-00000001.jsonl', lastLine: 9, provenUntil: newest }
  const known = { ...tail, recordedAt: Date.UTC(2026, 0, 2) }

  it('names those that are open, until when each is proven, and why that matters', () => {
    const [severity, , , open, why, ...rest] = said({ ...verified, unproven: [tail] })
    expect([severity, open, rest]).toEqual([
      'good',
      'Open, since the process runs or died without a successor: the end of segment-00000001.jsonl behind line 9, proven until 2026-01-01 00:00 UTC.',
      [],
    ])
    expect(why).toMatch(/^A writer of the folder may have removed later records there, unnoticed\. /)
  })

  it('is open for one that no checkpoint proves, unless its process wrote nothing', () => {
    const bare = { ...tail, provenUntil: undefined }
    const [severity, , proof, open] = said({ ...verified, provenUntil: undefined, unproven: [bare] })
    expect([severity, proof]).toEqual(['open', expect.stringMatching(/^4,711 checkpoints were compared, /)])
    expect(open).toContain('line 9, proven by no checkpoint.')
    expect(said({ ...verified, unproven: [{ ...bare, lastLine: 2 }] })[0]).toBe('good')
  })

  it('counts those that are known and closed, apart from the open ones, and stays green', () => {
    const [severity, , , sentence, ...rest] = said({ ...verified, unproven: [known] })
    expect([severity, rest]).toEqual(['good', []])
    expect(sentence).toMatch(/^Known and closed: 1 process was killed or lost power, the last recorded at 2026-01-02 00:00 UTC\. /)
    expect(sentence).toContain(
      'behind its last checkpoint, in 1 day at most, may have been removed before that, and cannot be removed since.',
    )
    const weekly = said({ ...verified, unproven: [...Array.from({ length: 52 }, () => known), tail] })
    expect(weekly.filter((text) => text.startsWith('Open'))).toHaveLength(1)
    expect(weekly.at(-1)).toMatch(/^Known and closed: 52 processes were killed/)
    expect(said({ ...verified, unproven: [{ ...known, provenUntil: undefined }] }).at(-1)).toContain('behind its last checkpoint may have')
  })

  it('counts those beyond ten', () => {
    const tails = Array.from({ length: 12 }, () => tail)
    expect(said({ ...verified, unproven: tails.slice(2) })[3]).not.toContain('more')
    expect(said({ ...verified, unproven: tails })[3]).toMatch(/ UTC; 2 more\.$/)
  })

  it('says so if records are sealed behind a hole', () => {
    expect(said({ ...verified, unproven: [{ ...tail, sealedBehind: 1_200 }] }).at(-1)).toMatch(
      /, 1,200 sealed records stand behind a hole, /,
    )
    expect(said({ ...verified, unproven: [{ ...known, sealedBehind: 1 }] })).toMatchObject([
      'open',
      {},
      {},
      {},
      {},
      expect.stringContaining('1 sealed record stands'),
    ])
  })

  it('tells lines of the index that were recorded from those that may have been added', () => {
    const cut = { line: 7, bytes: 1_200, isRecorded: false }
    expect(said({ ...verified, tornIndexLines: [cut] })).toEqual([
      'open',
      whole,
      complete,
      expect.stringMatching(/^At its end are 1,200 bytes of an unfinished line 7 of index\.jsonl: /),
    ])
    expect(said({ ...verified, tornIndexLines: [{ ...cut, isRecorded: true }] })[0]).toBe('good')
  })
})

describe('the verdict on a trail that was altered', () => {
  const problem = { what: 'edited', file: 'segment-00000001.jsonl', line: 17, explanation: 'the group is not what was sealed' }

  it('names the place', () => {
    expect(said({ ok: false, records: 15, problem, unproven: [] })).toEqual([
      'bad',
      'The trail is NOT as it was written: in segment-00000001.jsonl, line 17, edited: the group is not what was sealed. Records: 15 verified, 0 damaged, 0 missing.',
    ])
    expect(said({ ok: false, records: 15, unproven: [] })[1]).toContain('what is wrong is not known')
  })

  it('says no word of tampering where the key opened nothing', () => {
    const strange = { ...problem, what: 'wrong key', explanation: "the key is not this folder's" }
    expect(said({ ok: false, records: 0, problem: strange, segments: [], unproven: [] })).toEqual([
      'bad',
      "Nothing was verified: the key is not this folder's.",
    ])
    expect(said({ ok: false, records: 4, problem: strange, unproven: [] })[1]).toContain('NOT as it was written')
  })

  it('counts what is whole, and the problems beyond ten', () => {
    const segments = [{ status: 'damaged' }, ...Array.from({ length: 11 }, () => ({ status: 'verified' }))]
    const third = { ...problem, segment: 1, record: 3, lastRecord: 3 }
    const group = { ...problem, segment: 1, record: 9, lastRecord: 50 }
    const bad = { ok: false, records: 557, damaged: 43, missing: 0, problem: third, problems: [third, group], segments, unproven: [] }
    expect(said(bad)[1]).toBe(
      'The trail is NOT as it was written: 11 of 12 segments are as they were written; ' +
        'in segment 1, record 3, segment-00000001.jsonl, line 17, edited: the group is not what was sealed; ' +
        'in segment 1, one of records 9 to 50, segment-00000001.jsonl, line 17, edited: the group is not what was sealed. ' +
        'Records: 557 verified, 43 damaged, 0 missing.',
    )
    const many = { ...bad, problems: Array.from({ length: 11 }, () => problem), problemsLeftOut: 2 }
    expect(said(many)[1]).toMatch(/; and 3 further problems\. Records: /)
  })

  it('is that its end does not fit, if all that is wrong can be that of a copy', () => {
    const end = { ...problem, what: 'truncated', mayBeCopy: true }
    const [severity, first, ...rest] = said({ ok: false, records: 9, problems: [end, end], unproven: [] })
    expect([severity, first]).toEqual(['bad', expect.stringMatching(/^The trail is NOT complete\. What is here is as it was written, /)])
    expect(rest.join(' ')).toContain('Copy it again by `audit copy`')
    for (const other of [{ problems: [end, problem] }, { problems: [end], damaged: 1 }, { problems: [end], problemsLeftOut: 1 }])
      expect(said({ ok: false, records: 9, unproven: [], ...other })[1]).toMatch(/^The trail is NOT as it was written: /)
  })

  it('is that two machines wrote as one, if two histories are authentic', () => {
    const fork = { ...problem, what: 'forked' }
    expect(said({ ok: false, records: 9, problems: [problem, fork], unproven: [] })[2]).toMatch(
      /^Two histories of this folder are authentic, /,
    )
  })
})

describe('what a verdict adds', () => {
  const time = Date.UTC(2027, 1, 1)

  it('is who removed old records, by a signature or by none', () => {
    const prune = { time, endedBefore: newest, reason: '400 days', segments: 1, records: 4_711, isSigned: true }
    expect(said({ ...verified, pruned: [prune] })).toEqual([
      'good',
      whole,
      complete,
      'Removed at 2027-02-01 00:00 UTC for their age: 4,711 records in 1 segment, older than 2026-01-01 00:00 UTC, by "400 days".',
    ])
    const unsigned = said({ ...verified, pruned: [{ ...prune, isSigned: false }] })
    expect([unsigned[0], unsigned.at(-1)]).toEqual(['open', expect.stringContaining('No signature shows who removed them')])
  })

  it('is a legal hold, and for ever the end of one', () => {
    const held = [{ time, isHeld: true, reason: 'case 4711' }]
    expect(said({ ...verified, holds: held })).toEqual([
      'good',
      whole,
      complete,
      'Under a legal hold since 2027-02-01 00:00 UTC: "case 4711".',
    ])
    const released = [...held, { time, isHeld: false, reason: 'closed' }]
    const ended = expect.stringContaining(
      'A legal hold since 2027-02-01 00:00 UTC, "case 4711", was ended at 2027-02-01 00:00 UTC: "closed". No signature shows who ended it',
    )
    expect(said({ ...verified, holds: released })).toEqual(['good', whole, complete, ended])
    expect(said({ ...verified, holds: [...released, ...held] })).toEqual([
      'good',
      whole,
      complete,
      expect.stringContaining('Under a'),
      ended,
    ])
  })

  it('is which hosts wrote at the same time, and none that wrote in turn', () => {
    expect(said({ ...verified, hostsAtOnce: ['web-1', 'web-2'] })).toEqual([
      'good',
      whole,
      complete,
      'Hosts that wrote to this folder at the same time: web-1, web-2. Containers of one machine may share a folder; several machines may not.',
    ])
    expect(said({ ...verified, hostsAtOnce: [] })).toHaveLength(3)
    const many = Array.from({ length: 12 }, (_, host) => `pod-${host}`)
    expect(said({ ...verified, hostsAtOnce: many }).at(-1)).toContain('pod-9 and 2 more.')
  })
})
