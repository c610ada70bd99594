import { describe, expect, it } from 'vitest'
import { aRecord, hostileTexts } from '../testing/sample-records.ts'
import { sampleTrail } from '../testing/sample-trail.ts'
import { summarize } from './summarize.ts'

const dayMs = 86_400_000
const at = (day: number): number => Date.UTC(2026, 0, 1) + day * dayMs

describe('a summary', () => {
  it('says who read what, how often, from which provider, and when last', async () => {
    const { accesses, reads } = await summarize([
      aRecord({ actor: 'webapp', provider: 'aws', time: 1 }),
      aRecord({ actor: 'webapp', provider: 'vault', time: 3 }),
      aRecord({ actor: 'webapp', provider: 'vault', time: 2, outcome: 'error', code: 'UNAVAILABLE' }),
      aRecord({ actor: undefined, operation: 'verify', time: 4 }),
    ])
    expect(reads).toBe(4)
    expect(accesses).toEqual([
      { actor: 'webapp', name: 'FINCHAT_TOKEN', reads: 3, failed: 1, providers: ['aws', 'vault'], first: 1, last: 3 },
      { actor: undefined, name: 'FINCHAT_TOKEN', reads: 1, failed: 0, providers: ['aws'], first: 4, last: 4 },
    ])
  })

  it('counts each provider, with what it answered from a cache, degraded or stale', async () => {
    const { providers } = await summarize([
      aRecord({ from: 'memory' }),
      aRecord({ from: 'store', degraded: true }),
      aRecord({ from: 'shared', stale: true }),
      aRecord({ outcome: 'error', code: 'UNAVAILABLE' }),
    ])
    expect(providers).toEqual([{ provider: 'aws', ok: 3, failed: 1, cached: 2, degraded: 1, stale: 1 }])
  })

  it('counts failures by what they are about, and days', async () => {
    const denied = { outcome: 'error', code: 'PERMISSION_DENIED' } as const
    const summary = await summarize([
      aRecord({ time: at(0) }),
      aRecord({ ...denied, time: at(1) }),
      aRecord({ ...denied, time: at(1) + 1 }),
    ])
    expect(summary.failures).toEqual([{ code: 'PERMISSION_DENIED', operation: 'get', name: 'FINCHAT_TOKEN', count: 2, last: at(1) + 1 }])
    expect(summary.days).toEqual([
      { day: '2026-01-01', ok: 1, failed: 0 },
      { day: '2026-01-02', ok: 0, failed: 2 },
    ])
    expect(summary).toMatchObject({ failed: 2, from: at(0), to: at(1) + 1, records: 3 })
  })

  it('counts an effect once, by its outcome, and what a sink missed', async () => {
    const summary = await summarize([
      aRecord({ phase: 'intent', operation: 'store', outcome: undefined }),
      aRecord({ operation: 'store' }),
      aRecord({ operation: 'gap', name: '', outcome: undefined, missed: 7 }),
      aRecord({ operation: 'login', name: '' }),
    ])
    expect(summary).toMatchObject({ records: 4, changes: 1, reads: 0, missed: 7 })
    expect(summary.secrets.map(({ name }) => name)).toEqual(['FINCHAT_TOKEN'])
  })

  it('lists the secrets in use that did not change for so many days', async () => {
    const { notRotated } = await summarize(
      [
        aRecord({ name: 'old', time: at(0), version: 1 }),
        aRecord({ name: 'rotated here', time: at(50), operation: 'rotate', version: 2 }),
        aRecord({ name: 'rotated elsewhere', time: at(0), version: 1 }),
        aRecord({ name: 'rotated elsewhere', time: at(60), version: 2 }),
        aRecord({ name: 'rotated long ago', time: at(5), operation: 'store' }),
        aRecord({ name: 'only denied', time: at(0), outcome: 'error', code: 'PERMISSION_DENIED' }),
        aRecord({ name: 'deleted', time: at(1), operation: 'delete' }),
        aRecord({ name: 'old', time: at(89), version: 1 }),
      ],
      { now: at(90), notRotatedForDays: 80 },
    )
    expect(notRotated).toEqual([
      { name: 'old', lastChanged: undefined, days: 90 },
      { name: 'rotated long ago', lastChanged: at(5), days: 85 },
    ])
  })

  it('takes the answer of another provider, and an older version, for no rotation', async () => {
    const records = [
      aRecord({ time: at(0), version: 7 }),
      aRecord({ time: at(95), version: 6 }),
      aRecord({ time: at(96), version: 9, provider: 'local' }),
    ]
    expect((await summarize(records)).notRotated).toMatchObject([{ name: 'FINCHAT_TOKEN', days: 96 }])
  })

  it('says nothing of rotation for longer than the trail goes back', async () => {
    expect((await summarize([aRecord({ time: at(0) }), aRecord({ time: at(30) })])).notRotated).toEqual([])
  })

  it('keeps names apart, whatever they are', async () => {
    const { secrets, accesses } = await summarize(hostileTexts.map((name) => aRecord({ name, actor: name })))
    expect(new Set(secrets.map(({ name }) => name))).toEqual(new Set(hostileTexts))
    expect(accesses).toHaveLength(hostileTexts.length)
  })

  it('keeps its lists bounded, and says what is in none', async () => {
    const many = Array.from({ length: 10_050 }, (_, index) => aRecord({ name: `name-${index}` }))
    const { secrets, reads, unlisted } = await summarize(many)
    expect([secrets.length, reads, unlisted]).toEqual([10_000, 10_050, 50])
  })

  it('lists a rare reader behind ten thousand pairs, and behind invented names', async () => {
    const invented = Array.from({ length: 10_050 }, (_, index) =>
      aRecord({ name: `no-such-${index}`, actor: 'scan', outcome: 'error', code: 'NOT_FOUND' }),
    )
    const usual = Array.from({ length: 10_050 }, (_, index) => aRecord({ name: `name-${index % 100}`, actor: `app-${index}` }))
    const { accesses } = await summarize([...invented, ...usual, aRecord({ name: 'name-1', actor: 'contractor' })])
    expect(accesses).toContainEqual(expect.objectContaining({ actor: 'contractor', reads: 1 }))
    expect(accesses).toHaveLength(20_051)
  })

  it('says of each actor what it read, and since when', async () => {
    const { readers } = await summarize([
      aRecord({ actor: 'webapp', name: 'a', time: 5 }),
      aRecord({ actor: 'webapp', name: 'b', time: 2, outcome: 'error', code: 'NOT_FOUND' }),
      aRecord({ actor: undefined, name: 'b', time: 9 }),
    ])
    expect(readers).toEqual([
      { actor: 'webapp', secrets: 2, reads: 2, failed: 1, first: 2, last: 5 },
      { actor: undefined, secrets: 1, reads: 1, failed: 0, first: 9, last: 9 },
    ])
  })

  it('says who changed, rotated and deleted what, the latest first', async () => {
    const { writes } = await summarize([
      aRecord({ operation: 'store', name: 'a', actor: 'ann', time: 1 }),
      aRecord({ operation: 'store', name: 'a', actor: 'ann', time: 3, outcome: 'error', code: 'UNAVAILABLE' }),
      aRecord({ operation: 'promote', name: 'b', actor: 'rotator', time: 2, phase: 'intent', outcome: undefined }),
      aRecord({ operation: 'promote', name: 'b', actor: 'rotator', time: 2 }),
      aRecord({ operation: 'delete', name: 'c', actor: undefined, time: 9 }),
    ])
    expect(writes).toEqual([
      { actor: undefined, operation: 'delete', name: 'c', count: 1, failed: 0, first: 9, last: 9 },
      { actor: 'ann', operation: 'store', name: 'a', count: 2, failed: 1, first: 1, last: 3 },
      { actor: 'rotator', operation: 'promote', name: 'b', count: 1, failed: 0, first: 2, last: 2 },
    ])
  })

  it('lists what it does not know among the changes, such as an operation of a newer version', async () => {
    const { writes, changes } = await summarize([
      aRecord({ operation: 'mirror', actor: 'bob', time: 1 }),
      aRecord({ operation: 'health', name: '', time: 2 }),
    ])
    expect(writes).toEqual([{ actor: 'bob', operation: 'mirror', name: 'FINCHAT_TOKEN', count: 1, failed: 0, first: 1, last: 1 }])
    expect(changes).toBe(0)
  })

  it('lists logins and leases apart from changes, with the last failure', async () => {
    const login = { operation: 'login', name: '', provider: 'vault', method: 'approle', actor: undefined } as const
    const { logins, writes } = await summarize([
      aRecord({ ...login, time: 4, outcome: 'error', code: 'PERMISSION_DENIED' }),
      aRecord({ ...login, time: 2, outcome: 'error', code: 'UNAVAILABLE' }),
      aRecord({ ...login, time: 5 }),
      aRecord({ operation: 'lease', name: 'database/creds/app', provider: 'vault', time: 6 }),
    ])
    expect(logins).toEqual([
      { operation: 'lease', provider: 'vault', method: undefined, name: 'database/creds/app', ok: 1, failed: 0, code: undefined, last: 6 },
      { operation: 'login', provider: 'vault', method: 'approle', name: '', ok: 1, failed: 2, code: 'PERMISSION_DENIED', last: 5 },
    ])
    expect(writes).toEqual([])
  })

  it('says who was denied, found a secret altered, or had a token that did not match', async () => {
    const { denials } = await summarize([
      aRecord({ actor: 'job', time: 1, outcome: 'error', code: 'PERMISSION_DENIED' }),
      aRecord({ actor: 'job', time: 4, outcome: 'error', code: 'PERMISSION_DENIED' }),
      aRecord({ actor: 'job', time: 2, outcome: 'error', code: 'NOT_FOUND' }),
      aRecord({ actor: 'gateway', time: 3, operation: 'verify', matched: 'none' }),
      aRecord({ actor: 'gateway', time: 3, operation: 'verify', matched: 'current' }),
    ])
    expect(denials.map(({ actor, code, count, first, last }) => [actor, code, count, first, last])).toEqual([
      ['job', 'PERMISSION_DENIED', 2, 1, 4],
      ['gateway', 'NO_MATCH', 1, 3, 3],
    ])
  })

  it('lists gaps by time, and hosts by how long they are silent', async () => {
    const gap = { operation: 'gap', name: '', outcome: undefined, actor: undefined } as const
    const { gaps, hosts } = await summarize([
      aRecord({ ...gap, time: 9, seq: 40, missed: 3, missedFrom: 37 }),
      aRecord({ ...gap, time: 5, seq: 7, missed: 1, host: 'web-2' }),
      aRecord({ time: 8, host: 'web-2' }),
    ])
    expect(gaps).toEqual([
      { time: 5, host: 'web-2', service: 'shop', pid: 4711, missed: 1, from: 7, to: 7 },
      { time: 9, host: 'web-1', service: 'shop', pid: 4711, missed: 3, from: 37, to: 40 },
    ])
    expect(hosts).toEqual([
      { host: 'web-2', service: 'shop', records: 2, first: 5, last: 8 },
      { host: 'web-1', service: 'shop', records: 1, first: 9, last: 9 },
    ])
  })

  it('takes a secret for deleted by time, whatever is read first', async () => {
    const used = aRecord({ name: 'gone', time: at(0) })
    const gone = aRecord({ name: 'gone', time: at(1), operation: 'delete' })
    for (const records of [
      [used, gone],
      [gone, used],
    ])
      expect((await summarize(records, { now: at(200) })).notRotated).toEqual([])
  })

  it('of a sample adds up', async () => {
    const { reads, days, accesses, failed, missed } = await summarize(sampleTrail())
    const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
    expect(sum(accesses.map((access) => access.reads))).toBe(reads)
    expect(sum(days.map((day) => day.failed))).toBe(failed)
    expect(missed).toBe(3)
  })

  it('of nothing is empty', async () => {
    expect(await summarize([])).toMatchObject({ records: 0, from: undefined, to: undefined, secrets: [], notRotated: [] })
    // @ts-expect-error what a caller without types may write
    await expect(summarize([], { notRotatedFor: 30 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(summarize([], { notRotatedForDays: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const misspelt: object = { notRotatedForDay: 30 }
    await expect(summarize([], misspelt)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
