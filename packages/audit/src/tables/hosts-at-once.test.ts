import { hostname } from 'node:os'
import { afterAll, expect, test } from 'vitest'
import { removeTestFolders, segmentsOf } from '../testing/folders.ts'
import { HostsAtOnce } from './hosts-at-once.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'

afterAll(removeTestFolders)

type Times = readonly [host: string | undefined, from: number | undefined, to: number | undefined]

function atOnce(segments: readonly Times[]): readonly string[] {
  const hosts = new HostsAtOnce()
  for (const [host, from, to] of segments) hosts.add({ host, from, to })
  return hosts.names()
}

const both: readonly Times[] = [
  ['web-1', 0, 10],
  ['web-2', 5, 7],
  ['web-3', 11, 12],
  ['web-1', 12, 14],
]

test('hosts wrote at the same time if their segments overlap, and not if they wrote in turn', () => {
  expect(atOnce(both)).toEqual(['web-1', 'web-2'])
  expect(atOnce(both.toReversed())).toEqual(['web-1', 'web-2'])
  const inTurn: readonly Times[] = [
    ['web-1', 0, 10],
    ['web-2', 10, 20],
    ['web-1', 3, 9],
    [undefined, 0, 20],
    ['web-3', undefined, undefined],
  ]
  expect(atOnce(inTurn)).toEqual([])
})

test('a host that wrote all the time is found beside one that came after very many others', () => {
  const jobs = Array.from({ length: 50_000 }, (_, job): Times => ['jobs', 10 * job, 10 * job + 5])
  expect(atOnce([['service', 499_990, 500_020], ...jobs, ['other', 500_010, 500_011]])).toEqual(['jobs', 'other', 'service'])
  expect(atOnce([['service', 0, 1], ...jobs.slice(1)])).toEqual([])
})

test('at most a hundred are named', () => {
  expect(atOnce(Array.from({ length: 1_000 }, (_, pod): Times => [`pod-${pod}`, 0, 10]))).toHaveLength(100)
})

test('each segment is of the host that its header names', async () => {
  const { folder, key } = await segmentsOf(2, 1)
  const { segments, hostsAtOnce } = await verifyAuditTrail(folder, { key })
  expect([new Set(segments.map(({ host }) => host)), hostsAtOnce]).toEqual([new Set([hostname()]), []])
})
