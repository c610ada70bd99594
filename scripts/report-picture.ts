// `pnpm picture`: renews the pictures of a report in the documents, from the sample trail of the tests.
// It needs Chromium: as `chromium`, or where the variable CHROMIUM names it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { summarize } from '../packages/audit/src/query/summarize.ts'
import { summaryReport } from '../packages/audit/src/report/report.ts'
import { sampleTrail } from '../packages/audit/src/testing/sample-trail.ts'
import { root } from './files.ts'

/** A desktop and a phone: width and height in pixels. */
const pictures = { 'report.png': '1280,1700', 'report-narrow.png': '420,1700' }
const madeAt = Date.UTC(2026, 9, 30, 9)

const records = sampleTrail()
const verification = {
  ok: true,
  id: '5f0c6f0e-4b1d-8c55-a3f1-0d6c5d8f4b21',
  records: records.length,
  unproven: [{ file: 'segment-00000120.jsonl', lastLine: 41, provenUntil: Date.UTC(2026, 9, 29, 23, 58) }],
  checkpoints: { count: 10_431, newest: Date.UTC(2026, 9, 29, 23, 58), areSigned: true },
  provenUntil: Date.UTC(2026, 9, 29, 23, 58),
}
const trail = { folder: 'copy/audit', checkpoints: 'copy/checkpoints', verification }
const summary = await summarize(records, { now: madeAt })
const html = summaryReport(summary, { format: 'html', trails: [trail], expected: ['web-1', 'web-2', 'web-3'], madeAt })

const folder = mkdtempSync(join(tmpdir(), 'report-picture-'))
try {
  const page = join(folder, 'report.html')
  writeFileSync(page, html)
  for (const [name, size] of Object.entries(pictures)) {
    const target = join(root, 'packages/audit/docs', name)
    const flags = ['--headless=new', '--no-sandbox', '--hide-scrollbars', `--screenshot=${target}`, `--window-size=${size}`]
    execFileSync(process.env['CHROMIUM'] ?? 'chromium', [...flags, pathToFileURL(page).href], { stdio: 'ignore' })
    console.log(`wrote ${target}`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
