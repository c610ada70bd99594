import { expect, test } from 'vitest'
import { verificationSentences, verificationSeverity } from './verification-summary.ts'
import { Problems } from '../verify/audit-problem.ts'
import type { SegmentFindings } from '../verify/findings.ts'
import { VerificationReport } from '../verify/verification-report.ts'

const whole: SegmentFindings = {
  host: 'web-1',
  records: 2,
  damaged: 0,
  missing: 0,
  missed: 0,
  from: 5,
  to: 6,
  isEnded: true,
  lastLine: 5,
  checkpointedAt: 7,
  torn: 0,
  sealedBehind: 0,
  problems: new Problems(1),
  ofCheckpoints: [],
}

test('of very many segments the first are listed, all are counted, and a damaged one is always listed', () => {
  const report = new VerificationReport()
  for (let step = 1; step <= 30_000; step++) report.verified(step, `segment-${step}`, whole)
  const problems = new Problems(1)
  problems.add({ what: 'edited', file: 'segment-30001', line: 1, explanation: 'it was' })
  report.verified(30_001, 'segment-30001', { ...whole, damaged: 1, from: 1, problems })
  report.gone(30_002, 4, false)
  const found = report.result()
  expect([found.segments.length, found.segmentsLeftOut]).toEqual([10_002, 20_000])
  expect(found.segments.slice(-2).map(({ segment, status }) => [segment, status])).toEqual([
    [30_001, 'damaged'],
    [30_002, 'missing'],
  ])
  expect(found).toMatchObject({ records: 60_002, damaged: 1, missing: 4, from: 1, to: 6 })
  expect(verificationSentences(found)[0]).toContain('30,000 of 30,002 segments are as they were written')
})

test('of very many killed processes all are counted, and an end without a checkpoint is always listed', () => {
  const report = new VerificationReport()
  const killed = { ...whole, isEnded: false }
  report.compared(1, false)
  for (let step = 1; step <= 12_000; step++) report.verified(step, `segment-${step}`, killed, 9)
  expect(verificationSeverity(report.result())).toBe('good')
  report.verified(12_001, 'segment-12001', { ...killed, checkpointedAt: undefined }, 9)
  const found = report.result()
  expect([found.unproven.length, found.unprovenLeftOut, found.unproven.at(-1)?.file]).toEqual([10_001, 2_000, 'segment-12001'])
  expect(verificationSeverity(found)).toBe('open')
  const sentences = verificationSentences(found).join(' ')
  expect(sentences).toContain('12,001 processes were killed or lost power. What such') // the last of them is not listed
})

test('of very many damaged segments the report does not say that those beyond the list are whole', () => {
  const report = new VerificationReport()
  for (let step = 1; step <= 12_000; step++) report.gone(step, 1, false)
  const found = report.result()
  expect([found.segments.length, found.segmentsLeftOut, found.missing]).toEqual([10_000, 2_000, 12_000])
  expect(verificationSentences(found)[0]).toContain('10,000 or more of 12,000 segments are damaged or missing')
})

test('until when a trail is complete does not depend on what is listed', () => {
  const report = new VerificationReport()
  const running = { ...whole, isEnded: false }
  report.compared(1, false)
  for (let step = 1; step <= 11_000; step++) report.verified(step, `segment-${step}`, { ...running, checkpointedAt: 20_000 - step })
  expect(report.result()).toMatchObject({ unprovenLeftOut: 1_000, provenUntil: 9_000 })
  report.verified(11_001, 'segment-11001', { ...running, lastLine: 2, checkpointedAt: undefined }) // a header needs no checkpoint
  expect(report.result().provenUntil).toBe(9_000)
  report.verified(11_002, 'segment-11002', { ...running, checkpointedAt: undefined })
  expect(report.result().provenUntil).toBeUndefined()
})

test('hosts that wrote at the same time are named, though their segments are not listed', () => {
  const report = new VerificationReport()
  for (let step = 1; step <= 20_000; step++) report.verified(step, `segment-${step}`, { ...whole, from: 10 * step, to: 10 * step + 5 })
  report.verified(20_001, 'segment-20001', { ...whole, host: 'web-2', from: 200_001, to: 200_004 })
  const found = report.result()
  expect([found.segments.some(({ host }) => host === 'web-2'), found.hostsAtOnce]).toEqual([false, ['web-1', 'web-2']])
  expect(verificationSentences(found).join(' ')).toContain('wrote to this folder at the same time: web-1, web-2.')
})
