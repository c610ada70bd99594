import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyRecord, aRecord, hostileTexts } from '../testing/sample-records.ts'
import { sampleTrail } from '../testing/sample-trail.ts'
import { queryRecords } from '../query/query.ts'
import { recordsReport, summaryReport } from './report.ts'
import { summarize } from '../query/summarize.ts'
import { verificationSentences } from './verification-summary.ts'

const newest = Date.UTC(2026, 0, 1)
const verified = { ok: true, records: 3_013, unproven: [], checkpoints: { count: 4_711, newest, areSigned: false }, provenUntil: newest }

/** The elements and attributes of a page, as a strict reader finds them: whatever is no tag of ours is told as it is. */
function tagsOf(html: string): string[] {
  return Array.from(html.matchAll(/<[^>]*>?/g), ([tag]) => tag.replaceAll(/="[^"]*"/g, '=""'))
}

async function page(records: Parameters<typeof summarize>[0], title?: string): Promise<string> {
  return summaryReport(await summarize(records), { format: 'html', title, verification: verified })
}

describe('the HTML page', () => {
  it('needs nothing from anywhere and runs nothing', async () => {
    const html = await page(sampleTrail())
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|form|base|a|foreignObject|use|image)\b/i)
    expect(html).not.toMatch(/\b(on[a-z]+|style|href|src)="/)
    expect(html).not.toMatch(/url\(|@import|https?:/)
  })

  it('has a policy that allows its own style and nothing else', async () => {
    const html = await page(sampleTrail())
    const style = /<style>([^<]*)<\/style>/.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(html).toContain(`content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`)
  })

  it('says in sentences what its first paragraph says, and refuses what is no verification', async () => {
    const tail = { file: 'segment-00000001.jsonl', lastLine: 9 }
    const verification = { ok: true, records: 3, unproven: [tail], isIndexWhole: false }
    const sentences = verificationSentences(verification)
    expect(sentences).toHaveLength(5)
    expect(recordsReport([], { format: 'text', verification })).toContain(sentences.join(' '))
    expect(() => verificationSentences({ ok: true } as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('draws nothing where there is nothing to draw', async () => {
    expect(await page([])).not.toMatch(/<figure>|succeeded/)
  })

  it('gives every picture a name and its numbers as words, and every column a heading', async () => {
    const html = await page(sampleTrail())
    const pictures = html.match(/<svg /g) ?? []
    expect(pictures).toHaveLength(4)
    expect(html.match(/<svg role="img" viewBox="[\d. ]+"><title>[^<]+<\/title><desc>[^<]+<\/desc>/g)).toHaveLength(4)
    expect(html.match(/<th /g)).toHaveLength(html.match(/<th scope="col"/g)?.length ?? 0)
    expect(html).toContain('<html lang="en">')
  })

  it('has the same elements whatever stands in names, actors, providers and the title', async () => {
    const plain = await page(
      hostileTexts.map((_, index) => aRecord(named(`name-${index}`))),
      'plain',
    )
    const hostile = await page(
      hostileTexts.map((text) => aRecord(named(text))),
      hostileTexts.join(''),
    )
    const elements = (html: string): string[] => tagsOf(html).filter((tag) => !/^<(\/?bdi|\/?desc)>$/.test(tag))
    expect(elements(hostile)).toEqual(elements(plain))
  })

  it('shows what does not show, and turns no direction', async () => {
    const html = recordsReport([aRecord({ name: 'a\u202eb\u0000\u200b\ud800é' })], { format: 'html' })
    expect(html).toContain(String.raw`<bdi>a\u202eb\u0000\u200b\ud800é</bdi>`)
  })

  it('holds only well-formed, visible text, whatever the records', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { maxLength: 5 }), async (records) => {
        const html = await page(records)
        expect(html.isWellFormed()).toBe(true)
        expect(html).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/u)
        expect(html).not.toMatch(/<script|<img/)
      }),
      { numRuns: 100 },
    )
  })

  it('cuts long tables, and says so', () => {
    const html = recordsReport(
      Array.from({ length: 501 }, () => aRecord()),
      { format: 'html' },
    )
    expect(html.match(/<tr>/g)).toHaveLength(501)
    expect(html).toContain('The first 500 of 501 rows.')
  })

  it('draws a chart however long the time is', async () => {
    const html = await page([aRecord({ time: 0 }), aRecord({ time: 8_640_000_000_000_000 }), aRecord({ time: Number.NaN })])
    expect(html.length).toBeLessThan(30_000)
  })
})

function named(text: string): { name: string; actor: string; provider: string } {
  return { name: text, actor: text, provider: text }
}

describe('the report as text', () => {
  it('is a table that a terminal shows and no name disturbs', async () => {
    const summary = await summarize(hostileTexts.map((name) => aRecord(named(name))))
    const report = summaryReport(summary, { format: 'text', verification: verified, title: hostileTexts.join('') })
    expect(report).toMatch(/^[\x20-\x7e–…\n]*$/)
    expect(report).toContain('Verified: every record is as it was written (3,013).')
    const [, table = ''] = report.split('Who read what\n')
    expect(table.split('\n').indexOf('')).toBe(hostileTexts.length + 1)
  })

  it('of records is their human lines', () => {
    const report = recordsReport([aRecord()], { format: 'text' })
    expect(report.split('\n').at(-2)).toBe('Secret access: name=FINCHAT_TOKEN, source=aws, timestamp=1640995200, user=webapp')
  })

  it('of no records says so', () => {
    expect(recordsReport([], { format: 'text' }).split('\n').slice(-3)).toEqual(['', '(none)', ''])
  })
})

describe('the report as JSON', () => {
  it('holds all of it', async () => {
    const summary = await summarize(sampleTrail())
    const report = summaryReport(summary, { format: 'json', verification: verified })
    expect(JSON.parse(report)).toEqual({
      title: 'Audit of secrets',
      verification: verified,
      summary: JSON.parse(JSON.stringify(summary)),
    })
    const records = hostileTexts.map((name) => aRecord({ name }))
    expect(JSON.parse(recordsReport(records, { format: 'json' }))).toMatchObject({ records })
  })

  it('is one line of printable ASCII', () => {
    const records = hostileTexts.map((name) => aRecord({ name }))
    expect(recordsReport(records, { format: 'json' })).toMatch(/^[\x20-\x7e]*\n$/)
  })
})

describe.each(['text', 'json', 'html'] as const)('a verification that is none is refused, as %s', (format) => {
  const reported = (given: unknown): string => {
    const verification = given as typeof verified // as JavaScript may pass it
    return recordsReport([], { format, verification })
  }
  const refused = { code: 'INVALID_ARGUMENT', remedy: expect.stringContaining('pass what await verifyAuditTrail(…) returned') }

  it.each([
    ['nothing', null],
    ['a truth', true],
    ['text', 'ok'],
    ['one that nobody waited for', Promise.resolve(verified)],
    ['a verified trail', { verification: verified, result: [] }],
  ])('%s', (_, given) => {
    expect(() => reported(given)).toThrow(expect.objectContaining(refused))
  })

  it.each([
    ['ok', { ...verified, ok: 'yes' }],
    ['records', { ...verified, records: '3' }],
    ['problem', { ...verified, ok: false, problem: 'edited' }],
    ['problem', { ...verified, ok: false, problem: { what: 'edited', file: 'a', line: 1 } }],
    ['problem', { ...verified, ok: false, problem: null }],
    ['problems', { ...verified, ok: false, problems: [{ what: 'edited' }] }],
    ['segments', { ...verified, segments: 1 }],
    ['foreign', { ...verified, foreign: ['a'] }],
    ['range', { ...verified, range: 5 }],
    ['isIndexWhole', { ...verified, isIndexWhole: 0 }],
    ['pruned', { ...verified, pruned: [{ time: 0 }] }],
    ['holds', { ...verified, holds: [{}] }],
    ['tornIndexLines', { ...verified, tornIndexLines: 1 }],
    ['tornIndexLines', { ...verified, tornIndexLines: [undefined] }],
    ['unproven', { ok: true, records: 1 }],
    ['unproven', { ...verified, unproven: [{ file: 'a', lastLine: '1' }] }],
  ])('with another `%s`', (member, given) => {
    const problem = `\`verification\` has no such \`${member}\` as verifyAuditTrail returns`
    expect(() => reported(given)).toThrow(expect.objectContaining({ ...refused, problem }))
  })

  it('by the summary too', async () => {
    const [summary, verification] = [await summarize([]), JSON.parse('{}')]
    expect(() => summaryReport(summary, { format, verification })).toThrow(expect.objectContaining(refused))
  })

  it('unless there is none, or more in it than is read', () => {
    expect(reported(undefined)).not.toBe('')
    expect(reported({ ...verified, missed: 1 })).not.toBe('')
  })
})

it.each(['text', 'json', 'html'] as const)('a verification in the place of the summary is refused, as %s', (format) => {
  const summary = { ...verified } as unknown as Parameters<typeof summaryReport>[0] // as JavaScript may pass it
  expect(() => summaryReport(summary, { format })).toThrow(/pass await summarize/)
})

it.each(['text', 'json', 'html'] as const)('a summary that nobody waited for is refused, as %s', (format) => {
  // @ts-expect-error what a caller without types may write
  expect(() => summaryReport(summarize([]), { format })).toThrow(/pass await summarize/)
})

it('a report in another format is refused', () => {
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport([], { format: 'pdf' })).toThrow(/use text, json or html/)
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport([], { fromat: 'html' })).toThrow(/fromat/)
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport(queryRecords([], {}), { format: 'text' })).toThrow(/Array\.fromAsync/)
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport([aRecord(), null], { format: 'text' })).toThrow(/not a list of records/)
})
