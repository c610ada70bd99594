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
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|form|base|foreignObject|use|image)\b/i)
    expect(html).not.toMatch(/\b(on[a-z]+|style|src)="/)
    const links = Array.from(html.matchAll(/href="([^"]*)"/g), ([, to = '']) => to)
    expect(links.every((to) => /^#table-\d+$/.test(to) && html.includes(`id="${to.slice(1)}"`))).toBe(true)
    expect(html).not.toMatch(/url\(|@import|https?:/)
  })

  it('has a policy that allows its own style and nothing else', async () => {
    const html = await page(sampleTrail())
    const style = /<style>([^<]*)<\/style>/.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(html).toContain(`content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`)
  })

  it('says the sentences of its verification, and refuses what is no verification', async () => {
    const tail = { file: 'segment-00000001.jsonl', lastLine: 9 }
    const verification = { ok: true, records: 3, unproven: [tail], isIndexWhole: false }
    const sentences = verificationSentences(verification)
    expect(sentences).toHaveLength(5)
    expect(recordsReport([], { format: 'text', verification })).toContain(sentences.join('\n'))
    expect(() => verificationSentences({ ok: true } as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('draws nothing where there is nothing to draw', async () => {
    expect(await page([])).not.toMatch(/<figure>|succeeded/)
  })

  it('gives every picture a name and its numbers as words, and every column a heading', async () => {
    const html = await page(sampleTrail())
    const pictures = html.match(/<svg [^>]*>(<title>[^<]+<\/title><desc>[^<]+<\/desc>)?/g) ?? []
    const bars = html.match(/<li><span class="name"><bdi>[^<]+<\/bdi><\/span><svg class="bar" aria-hidden="true">/g) ?? []
    expect(pictures.filter((picture) => picture.includes('role="img"') && picture.includes('<desc>'))).toHaveLength(1)
    expect(pictures).toHaveLength(1 + bars.length)
    expect(html.match(/<figcaption>/g)).toHaveLength(4)
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
    expect(html).toContain('500 of 501 rows: the earliest. The report as CSV has all.')
  })

  it('draws a chart however long the time is', async () => {
    const html = await page([aRecord({ time: 0 }), aRecord({ time: 8_640_000_000_000_000 }), aRecord({ time: Number.NaN })])
    expect(html.length).toBeLessThan(30_000)
  })
})

describe('the page of a busy quarter', () => {
  const usual = Array.from({ length: 600 }, (_, index) =>
    Array.from({ length: 40 }, () => aRecord({ actor: `app-${index % 60}`, name: `prod/secret-${index % 10}` })),
  ).flat()
  const contractor = Array.from({ length: 30 }, () => aRecord({ actor: 'contractor', name: 'prod/secret-1', time: 1_640_995_100_000 }))

  it('shows the rare reader, whom the first 500 rows by reads would not', async () => {
    const many = Array.from({ length: 700 }, (_, index) =>
      Array.from({ length: 31 }, () => aRecord({ actor: `job-${index}`, name: 'prod/secret-1' })),
    ).flat()
    const html = await page([...usual, ...many, ...contractor])
    const section = (title: string): string => html.split(`>${title}</h2>`)[1]?.split('</section>')[0] ?? ''
    expect(section('Who read what')).not.toContain('contractor')
    expect(section('Who read what')).toMatch(/500 of [\d,]+ rows: by reads\. The report as CSV has all\./)
    expect(section('Rare readers')).toContain('<bdi>contractor</bdi>')
    expect(section('Rare readers')).toMatch(/50 of [\d,]+ rows: the smallest shares\./)
  })

  it('says whose folder it is, until when it is proved, by which checkpoints, in which range and zone, and when it was made', async () => {
    const trail = { folder: 'copy/audit', checkpoints: '/mnt/append-only', verification: verified }
    const range = { from: Date.UTC(2026, 2, 1), until: Date.UTC(2026, 3, 1) }
    const html = summaryReport(await summarize(contractor), { format: 'html', trails: [trail], range, madeAt: Date.UTC(2026, 3, 2) })
    const about = Array.from(html.matchAll(/<dt>([^<]*)<\/dt><dd><bdi>([^<]*)<\/bdi>/g), ([, label, value]) => [label, value])
    expect(about).toEqual([
      ['Folder', 'copy/audit'],
      ['Checkpoints', '4,711 from /mnt/append-only, the newest of 2026-01-01 00:00 UTC'],
      ['Range', '2026-03-01 00:00 UTC to 2026-04-01 00:00 UTC'],
      ['Time zone', 'UTC'],
      ['Made', '2026-04-02 00:00 UTC'],
    ])
    expect(html).toContain('<h2 id="verdict">Verdict: Proved</h2>')
    expect(await page(contractor)).toContain('<dt>Range</dt><dd><bdi>all records</bdi>')
  })

  it('cuts no sentence of the verdict, however long', async () => {
    const problem = { what: 'edited', file: 'segment-00000001.jsonl', line: 1, explanation: 'x'.repeat(150) }
    const verification = { ok: false, records: 1, problems: Array.from({ length: 9 }, () => problem), unproven: [] }
    const html = summaryReport(await summarize([]), { format: 'html', verification })
    expect(html.match(/x{150}/g)).toHaveLength(9)
    expect(html).toContain('Verdict: Altered or incomplete')
  })
})

describe('the report as CSV', () => {
  it('has every table whole, its times and numbers as a program reads them, and no formula', async () => {
    const records = Array.from({ length: 1_001 }, (_, index) => aRecord({ name: `=name-${index}`, time: 0 }))
    const csv = summaryReport(await summarize(records), { format: 'csv', verification: verified, title: '+title' })
    const [, table = ''] = csv.split('"Who read what"\r\n')
    const [rows = ''] = table.split('\r\n\r\n')
    expect(rows.split('\r\n').filter((line) => line.startsWith('"webapp"'))).toHaveLength(1_001)
    expect(rows).toContain(`"webapp","'=name-7","1","0","aws","1970-01-01T00:00:00.000Z","1970-01-01T00:00:00.000Z"`)
    expect(csv).toMatch(/^"'\+title"\r\n/)
    expect(csv).not.toContain('"First seen"') // its rows are those of "Who read what"
    expect(csv.split(/\r\n/).some((line) => /(^|,)"[=+\-@]/.test(line))).toBe(false)
  })

  it('of records has them too', () => {
    expect(recordsReport([aRecord({ time: 0 })], { format: 'csv' })).toContain('"1970-01-01T00:00:00.000Z","webapp","get","FINCHAT_TOKEN"')
  })

  it.each(hostileTexts)('keeps its lines whatever stands in a name: %j', async (text) => {
    const lines = async (name: string): Promise<number> =>
      summaryReport(await summarize([aRecord(named(name))]), { format: 'csv', trails: [{ folder: name }], expected: [name] }).split('\r\n')
        .length
    expect(await lines(text)).toBe(await lines('plain'))
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
    const report = summaryReport(summary, { format: 'json', verification: verified, madeAt: 0, expected: ['web-9'], range: { from: 1 } })
    expect(JSON.parse(report)).toEqual({
      title: 'Audit of secrets',
      madeAt: 0,
      range: { from: 1 },
      severity: 'open',
      sentences: ['Missing: no record of web-9, expected in this report.', ...verificationSentences(verified)],
      trails: [{ verification: verified }],
      expected: ['web-9'],
      unexplained: [],
      missing: ['web-9'],
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
  expect(() => recordsReport([], { format: 'pdf' })).toThrow(/use text, json, csv or html/)
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport([], { fromat: 'html' })).toThrow(/fromat/)
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport(queryRecords([], {}), { format: 'text' })).toThrow(/Array\.fromAsync/)
  // @ts-expect-error what a caller without types may write
  expect(() => recordsReport([aRecord(), null], { format: 'text' })).toThrow(/not a list of records/)
})
