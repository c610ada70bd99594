import type { SharedUsage, UsageMark, UsageMarks } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keyvCache } from './keyv-cache.ts'
import { deriveKeyRing, rawKey } from './sealed/key-ring.ts'
import { usageNamesOf } from './sealed/usage-names.ts'
import { type RosterMark, sealUsage } from './sealed/usage-texts.ts'
import { context, encryptionKey } from './testing/fleet.ts'
import { ScheduledRedis } from './testing/scheduled-redis.ts'
import { faultyStore } from './testing/stores.ts'

const start = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const path = { sharedAs: 'store', path: 'prod/db-canary' }

beforeEach(() => void vi.useFakeTimers({ now: start, toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

interface Fleet {
  readonly redis: ScheduledRedis
  readonly another: (namespace?: string) => SharedUsage
}

function fleet(): Fleet {
  const redis = new ScheduledRedis({ isImmediate: true })
  const another = (namespace = 'payments'): SharedUsage => {
    const { usage } = keyvCache({ store: faultyStore(), encryptionKey, namespace, client: redis.client(0) })
    if (usage === undefined) throw new Error('with a client it keeps marks')
    return usage
  }
  return { redis, another }
}

function markOf(process: string, more: Partial<UsageMark> = {}): UsageMark {
  return { process, count: 1, host: 'host-canary', actor: 'actor-canary', since: Date.now(), uses: [{ version: 1 }], ...more }
}

/** A minute between events, so that times differ. */
function wait(ms = 60_000): void {
  vi.setSystemTime(Date.now() + ms)
}

const read = (usage: SharedUsage): Promise<UsageMarks | undefined> => usage.read(path, context)
const names = (found: UsageMarks | undefined): unknown => found?.marks.map(({ process }) => process)

/** Two processes that registered at the start and a minute later. */
async function registered(): Promise<Fleet & { readonly one: SharedUsage; readonly two: SharedUsage }> {
  const made = fleet()
  const [one, two] = [made.another(), made.another()]
  await one.register(path, markOf('one'), context)
  wait()
  await two.register(path, markOf('two'), context)
  wait()
  return { ...made, one, two }
}

describe('usage marks in a Redis', () => {
  test('are kept without a client by no cache: a Keyv has no conditional write', () => {
    expect(keyvCache({ store: faultyStore(), encryptionKey }).usage).toBeUndefined()
  })

  test('are neither there nor complete after a flush, until they are registered again', async () => {
    const { redis, one, two, another } = await registered()
    expect(await read(another())).toMatchObject({ completeSince: start })
    redis.held.clear()
    expect(await read(another())).toBeUndefined()
    expect([await two.seen(path, 'two', context), await read(another())]).toEqual([false, undefined])
    await two.register(path, markOf('two', { count: 2 }), context)
    const found = await read(another())
    expect([names(found), found?.completeSince]).toEqual([['two'], start + 120_000])
    expect(await one.seen(path, 'one', context)).toBe(false)
  })

  test.each(Array.from({ length: 7 }, (_, n) => n))('are never complete without one of them, whichever key is lost (%i)', async (lost) => {
    const { redis, one, two, another } = await registered()
    wait(8 * dayMs) // rosters that were superseded are gone
    const keys = [...redis.held.keys()]
    expect(keys.length).toBeLessThan(8)
    redis.held.delete(keys[lost] ?? '')
    const found = await read(another())
    if (found !== undefined) expect([names(found), found.completeSince]).toEqual([['one', 'two'], start])
    // Who looks again finds its mark, or makes it anew.
    for (const [usage, process] of [
      [one, 'one'],
      [two, 'two'],
    ] as const)
      if (!(await usage.seen(path, process, context))) await usage.register(path, markOf(process, { count: 2 }), context)
    const after = await read(another())
    const isNew = after?.completeSince === Date.now()
    expect(isNew || after?.completeSince === start).toBe(true)
    if (!isNew) expect(names(after)).toEqual(['one', 'two'])
  })

  test('begin anew without their first roster: with the hint it would look like a new chain', async () => {
    const { redis, one, another } = await registered()
    const [first] = [...redis.held].find(([, { text }]) => text.startsWith('superseded')) ?? []
    redis.held.delete(first ?? '')
    expect(await one.seen(path, 'one', context)).toBe(false)
    await one.register(path, markOf('one', { count: 2 }), context)
    expect(await read(another())).toMatchObject({ completeSince: start + 120_000 })
  })

  test('begin anew if the server takes back what it acknowledged, as after a failover', async () => {
    const made = fleet()
    const [one, two] = [made.another(), made.another()]
    await one.register(path, markOf('one'), context)
    const before = new Map(made.redis.held)
    await two.register(path, markOf('two'), context)
    expect(await one.seen(path, 'one', context)).toBe(true)
    made.redis.held.clear()
    for (const [key, held] of before) made.redis.held.set(key, held)
    wait()
    expect(await one.seen(path, 'one', context)).toBe(false) // it had seen a later roster
    await one.register(path, markOf('one', { count: 2 }), context)
    expect(await read(made.another())).toMatchObject({ completeSince: start + 60_000, marks: [{ process: 'one' }] })
  })

  test('begin anew if a process misses its own mark', async () => {
    const { one, two, another } = await registered()
    await two.register(path, markOf('one', { count: 9, uses: [] }), context)
    expect(await one.seen(path, 'one', context)).toBe(false)
    expect(await read(another())).toBeUndefined()
  })

  test('are not read from a text that was moved or forged', async () => {
    const { redis, another } = await registered()
    const rosters = [...redis.held].filter(([key, { text }]) => key.includes('}r') && !text.startsWith('superseded'))
    expect(rosters).toHaveLength(1)
    const [[key, held] = ['', { text: '', until: 0 }]] = rosters
    const forged = held.text.startsWith('A') ? `B${held.text.slice(1)}` : `A${held.text.slice(1)}`
    redis.held.set(key, { ...held, text: forged })
    expect(await read(another())).toBeUndefined()
  })

  test('reveal no name, host or actor, and every key ends', async () => {
    const { redis } = await registered()
    const dump = JSON.stringify([...redis.held])
    for (const word of ['canary', 'prod', 'payments', 'store', 'version'])
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const)
        expect(dump).not.toContain(Buffer.from(word).toString(encoding).replace(/=+$/, ''))
    for (const { until } of redis.held.values()) expect(until).toBeLessThan(Infinity)
  })

  test('belong to their namespace', async () => {
    const { another } = await registered()
    expect(await read(another('other'))).toBeUndefined()
  })

  test('outlast 399 days without a change', async () => {
    const { another } = await registered()
    wait(399 * dayMs)
    expect(names(await read(another()))).toEqual(['one', 'two'])
    wait(2 * dayMs)
    expect(await read(another())).toBeUndefined()
  })

  test('of processes that were excused a month ago are forgotten at the next change', async () => {
    const { two, another } = await registered()
    await two.excuse(path, [markOf('one')], context)
    wait(29 * dayMs)
    await two.register(path, markOf('two', { count: 2 }), context)
    expect((await read(another()))?.marks).toMatchObject([
      { process: 'one', isExcused: true },
      { process: 'two', isExcused: false },
    ])
    wait(2 * dayMs)
    await two.register(path, markOf('two', { count: 3 }), context)
    expect(names(await read(another()))).toEqual(['two'])
  })

  test('of an excused process that lives on stay for years, and do not count', async () => {
    const { redis, one, two, another } = await registered()
    await two.excuse(path, [markOf('one')], context)
    const before = redis.held.size
    wait(15 * dayMs)
    expect(await one.seen(path, 'one', context)).toBe(true)
    expect(redis.held.size).toBe(before) // no new roster yet
    for (let day = 0; day < 400; day += 1) {
      expect(await one.seen(path, 'one', context)).toBe(true)
      if (day % 50 === 0) await two.register(path, markOf('two', { count: 2 + day }), context)
      wait(dayMs)
    }
    const found = await read(another())
    expect(found?.completeSince).toBe(start)
    expect(found?.marks).toMatchObject([{ process: 'one', isExcused: true }, { process: 'two' }])
  })

  test('are 2,000 at most: whoever cannot register makes them incomplete', async () => {
    const { redis, another } = fleet()
    const options = { keys: deriveKeyRing([rawKey(encryptionKey)], rawKey(encryptionKey)), namespace: 'payments', keyPrefix: 'fs1:' }
    const [keyNames, place, until] = [usageNamesOf(path, options), { namespace: 'payments', ...path }, start + 900 * dayMs]
    const marks = Array.from({ length: 2_000 }, (_, n): RosterMark => markOf(`process ${n}`))
    const head = sealUsage(options.keys, { ...place, kind: 'usage head', fields: [] }, { chain: 'a chain', run: redis.runId })
    const roster = sealUsage(options.keys, { ...place, kind: 'usage roster', fields: ['a chain', 0] }, { begunAt: start, marks, after: '' })
    redis.held.set(keyNames.head, { text: head, until }).set(keyNames.roster('a chain', 0), { text: roster, until })
    expect((await read(another()))?.completeSince).toBe(start)
    wait()
    await another().register(path, markOf('process 7', { count: 2 }), context)
    expect((await read(another()))?.completeSince).toBe(start)
    await expect(another().register(path, markOf('one more'), context)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const found = await read(another())
    expect([found?.completeSince, found?.marks.length]).toEqual([start + 60_000, 2_000])
  })
})
