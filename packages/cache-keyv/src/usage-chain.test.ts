import type { SharedUsage, UsageMark, UsageMarks } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { keyvCache } from './keyv-cache.ts'
import type { KeyvCacheOptions } from './options.ts'
import type { RedisClient } from './store/redis-client.ts'
import { context, encryptionKey } from './testing/fleet.ts'
import { ScheduledRedis } from './testing/scheduled-redis.ts'
import { stoppable, type StoppableClient } from './testing/stoppable-client.ts'
import { faultyStore } from './testing/stores.ts'

const start = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const path = { sharedAs: 'store', path: 'db' }

beforeEach(() => void vi.useFakeTimers({ now: start, toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

interface Process {
  readonly usage: SharedUsage
  readonly client: StoppableClient
  readonly register: (version?: number) => Promise<void>
}

class Fleet {
  readonly redis: ScheduledRedis = new ScheduledRedis({ isImmediate: true })
  #count = 0

  process(name: string, options: Partial<KeyvCacheOptions> = {}): Process {
    const client = stoppable(this.redis.client(0))
    // No deadline passes while a process is stopped.
    const { usage } = keyvCache({ store: faultyStore(), encryptionKey, timeoutMs: 600_000, client, ...options })
    if (usage === undefined) throw new Error('with a client it keeps marks')
    const register = (version = 1): Promise<void> => usage.register(path, this.#mark(name, version), context)
    return { usage, client, register }
  }

  #mark(process: string, version: number): UsageMark {
    return { process, count: (this.#count += 1), host: 'host', since: Date.now(), uses: [{ version }] }
  }

  /** The keys of the rosters, the first one first. */
  get rosters(): readonly string[] {
    return [...this.redis.held.keys()].filter((key) => key.includes('}r'))
  }

  lose(key: string | undefined): void {
    if (key === undefined || !this.redis.held.delete(key)) throw new Error('it was there')
  }

  hint(): string | undefined {
    return [...this.redis.held.keys()].find((key) => key.includes('}n'))
  }
}

function wait(ms = 60_000): void {
  vi.setSystemTime(Date.now() + ms)
}

/** Lets everything go on that waits for no stopped process. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

const read = ({ usage }: Process): Promise<UsageMarks | undefined> => usage.read(path, context)
const names = (found: UsageMarks | undefined): unknown => found?.marks.map(({ process }) => process).toSorted()

interface Stopped {
  readonly fleet: Fleet
  readonly reader: Process
  readonly two: Process
  /** Its registration. */
  readonly late: Promise<void>
}

/** One registered; another one's roster is there, and it was stopped before it knew. */
async function stopped(): Promise<Stopped> {
  const fleet = new Fleet()
  const [one, two, reader] = [fleet.process('one'), fleet.process('two'), fleet.process('reader')]
  await one.register()
  expect(names(await read(reader))).toEqual(['one'])
  two.client.stop('after')
  const late = two.register()
  await settle()
  return { fleet, reader, two, late }
}

describe('a roster that was followed by another one', () => {
  test('is not the last one for a process that saw it last, though nobody superseded it for a week', async () => {
    const { fleet, reader } = await stopped()
    await fleet.process('three').register()
    wait(8 * dayMs)
    expect(names(await read(reader))).toEqual(['one', 'three', 'two'])
  })

  test('is not the last one though the hint is lost', async () => {
    const { fleet } = await stopped()
    await fleet.process('three').register()
    wait(8 * dayMs)
    fleet.lose(fleet.hint())
    expect(names(await read(fleet.process('another')))).not.toEqual(['one'])
  })

  test('is not the last one though the next one is lost', async () => {
    const { fleet, reader } = await stopped()
    await fleet.process('three').register()
    fleet.lose(fleet.rosters[1])
    for (const each of [reader, fleet.process('another')]) expect(names(await read(each))).not.toEqual(['one'])
  })

  test('is superseded by whoever finds its follower, and the stopped process goes on', async () => {
    const { fleet, reader, two, late } = await stopped()
    await fleet.process('three').register()
    expect([...fleet.redis.held.values()].filter(({ text }) => text.startsWith('superseded'))).toHaveLength(2)
    two.client.goOn()
    await late
    expect(names(await read(reader))).toEqual(['one', 'three', 'two'])
  })
})

describe('a roster that arrives late', () => {
  test('takes no place that has expired', async () => {
    const fleet = new Fleet()
    const [one, two, three] = [fleet.process('one'), fleet.process('two'), fleet.process('three')]
    await one.register()
    two.client.stop('before')
    const late = two.register()
    await settle()
    for (let version = 1; version < 4; version += 1) await three.register(version)
    wait(8 * dayMs)
    two.client.goOn()
    await late
    for (const each of [two, fleet.process('reader')]) {
      const found = await read(each)
      expect([names(found), found?.completeSince]).toEqual([['one', 'three', 'two'], start])
    }
  })

  test('is not the first one, in the place of one that was lost', async () => {
    const fleet = new Fleet()
    const [one, two] = [fleet.process('one'), fleet.process('two')]
    two.client.stop('before')
    const late = two.register()
    await settle()
    wait()
    const since = Date.now()
    await one.register()
    fleet.lose(fleet.rosters[0])
    wait()
    two.client.goOn()
    await late
    const found = await read(fleet.process('reader'))
    expect(found?.completeSince).toBeGreaterThan(since)
  })

  test('is not the next one, in the place of one that was lost', async () => {
    const fleet = new Fleet()
    const [one, two, three] = [fleet.process('one'), fleet.process('two'), fleet.process('three')]
    await one.register()
    two.client.stop('before')
    const late = two.register()
    await settle()
    wait()
    const since = Date.now()
    await three.register()
    fleet.lose(fleet.rosters[1])
    wait()
    two.client.goOn()
    await late
    const found = await read(fleet.process('reader'))
    expect(found?.completeSince).toBeGreaterThan(since)
  })
})

describe('a roster that was made from a lost one', () => {
  test('does not follow the one in its place', async () => {
    const fleet = new Fleet()
    const [one, two, three] = [fleet.process('one'), fleet.process('two'), fleet.process('three')]
    one.client.stop('after')
    void one.register()
    await settle()
    three.client.stop('before')
    const late = three.register()
    await settle()
    fleet.lose(fleet.rosters[0])
    wait()
    const since = Date.now()
    await two.register()
    wait()
    three.client.goOn()
    await late
    expect((await read(fleet.process('reader')))?.completeSince).toBeGreaterThan(since)
  })
})

describe('a read', () => {
  test('finds no marks if they are lost meanwhile, though a late roster arrives in their place', async () => {
    const fleet = new Fleet()
    const [one, two, client] = [fleet.process('one'), fleet.process('two'), fleet.redis.client(0)]
    two.client.stop('before')
    const late = two.register()
    await settle()
    await one.register()
    let isFlushed = false // once the head was read
    const get = async (key: string): Promise<unknown> => {
      const text = await client.get(key)
      if (isFlushed) return text
      isFlushed = true
      fleet.redis.held.clear()
      two.client.goOn()
      await late
      return text
    }
    expect(await read(fleet.process('reader', { client: { ...client, get } }))).toBeUndefined()
    expect(fleet.rosters).toHaveLength(1)
  })
})

describe('a server that takes back what it acknowledged, as after a failover', () => {
  test('is noticed by a process that saw it, though others have written as much since', async () => {
    const fleet = new Fleet()
    const [one, two, three, reader] = [fleet.process('one'), fleet.process('two'), fleet.process('three'), fleet.process('reader')]
    await one.register()
    const before = new Map(fleet.redis.held)
    await two.register()
    expect(names(await read(reader))).toEqual(['one', 'two'])
    fleet.redis.held.clear()
    for (const [key, held] of before) fleet.redis.held.set(key, held)
    await three.register()
    await three.register(2)
    expect(await read(reader)).toBeUndefined()
  })

  test('is noticed if it goes back to a chain that ended', async () => {
    const fleet = new Fleet()
    const [one, two, reader] = [fleet.process('one'), fleet.process('two'), fleet.process('reader')]
    await one.register()
    expect(names(await read(reader))).toEqual(['one'])
    const before = new Map(fleet.redis.held)
    fleet.redis.held.clear()
    wait()
    await two.register()
    expect(names(await read(reader))).toEqual(['two'])
    fleet.redis.held.clear()
    for (const [key, held] of before) fleet.redis.held.set(key, held)
    expect(await read(reader)).toBeUndefined()
  })
})

describe('a server that starts again with an older snapshot', () => {
  test('ends the record, though the reader looks for the first time, and the forgotten process is stopped', async () => {
    const fleet = new Fleet()
    const [one, two] = [fleet.process('one'), fleet.process('two')]
    await one.register()
    const snapshot = new Map(fleet.redis.held)
    await two.register()
    expect(names(await read(fleet.process('reader')))).toEqual(['one', 'two'])
    fleet.redis.restart(snapshot)
    expect(await read(fleet.process('another'))).toBeUndefined()
    wait()
    expect([await one.usage.seen(path, 'one', context), await read(fleet.process('another'))]).toEqual([false, undefined])
    await one.register()
    const found = await read(fleet.process('another'))
    expect([names(found), found?.completeSince]).toEqual([['one'], start + 60_000])
  })

  test('ends the record though it lost nothing, as nobody can know that', async () => {
    const fleet = new Fleet()
    await fleet.process('one').register()
    fleet.redis.restart()
    expect(await read(fleet.process('reader'))).toBeUndefined()
  })

  test('ends the record though it does so while it is read', async () => {
    const fleet = new Fleet()
    await fleet.process('one').register()
    const snapshot = new Map(fleet.redis.held)
    await fleet.process('two').register()
    const client = fleet.redis.client(0)
    let isRestarted = false // once the head was read
    const get = async (key: string): Promise<unknown> => {
      const text = await client.get(key)
      if (!isRestarted) fleet.redis.restart(snapshot)
      isRestarted = true
      return text
    }
    expect(await read(fleet.process('reader', { client: { ...client, get } }))).toBeUndefined()
  })
})

describe('a server that does not tell its run id', () => {
  const client = (fleet: Fleet): RedisClient => fleet.redis.client(0)
  const silent: readonly [string, (fleet: Fleet) => RedisClient][] = [
    ['to a client without `info`', (fleet) => ({ ...client(fleet), info: undefined })],
    [
      'to a user without the right',
      (fleet) => ({ ...client(fleet), info: () => Promise.reject(new Error('NOPERM no right to run info')) }),
    ],
    [
      'as it does not know the command',
      (fleet) => ({ ...client(fleet), info: () => Promise.reject(new Error("ERR unknown command 'info'")) }),
    ],
    ['in its answer', (fleet) => ({ ...client(fleet), info: async () => 'redis_version:6.2.14\r\n' })],
    ['in a binary answer', (fleet) => ({ ...client(fleet), info: async () => Buffer.from('run_id') })],
    ['but zeros', (fleet) => ({ ...client(fleet), info: async () => `run_id:${'0'.repeat(40)}\r\n` })],
  ]

  test.each(silent)('%s: marks are kept, and are not known to be complete', async (_how, clientOf) => {
    const fleet = new Fleet()
    const one = fleet.process('one', { client: clientOf(fleet) })
    await one.register()
    expect(await one.usage.seen(path, 'one', context)).toBe(true)
    const found = await read(one)
    expect([names(found), found?.completeSince]).toEqual([['one'], undefined])
  })

  test('ends no record of those that know it, who begin a new one', async () => {
    const fleet = new Fleet()
    const [one, blind] = [fleet.process('one'), fleet.process('blind', { client: { ...client(fleet), info: undefined } })]
    await blind.register()
    wait()
    expect(await read(one)).toBeUndefined()
    await one.register()
    expect(await blind.usage.seen(path, 'blind', context)).toBe(false)
    await blind.register()
    const found = await read(fleet.process('reader'))
    expect([names(found), found?.completeSince]).toEqual([['blind', 'one'], start + 60_000])
  })

  test.each(['NOPERM no right to run info', 'ERR upstream failure'])('is asked again only after five minutes: %s', async (refusal) => {
    const fleet = new Fleet()
    const monotonic = vi.spyOn(performance, 'now').mockReturnValue(0)
    onTestFinished(() => monotonic.mockRestore())
    const answers = client(fleet)
    let [asked, isRefused] = [0, true]
    const info = async (section: string): Promise<unknown> => (
      (asked += 1),
      isRefused ? Promise.reject(new Error(refusal)) : answers.info?.(section)
    )
    const one = fleet.process('one', { client: { ...answers, info } })
    await one.register()
    monotonic.mockReturnValue(299_999)
    expect([(await read(one))?.completeSince, asked]).toEqual([undefined, 1])
    isRefused = false
    monotonic.mockReturnValue(300_000)
    expect(await one.usage.seen(path, 'one', context)).toBe(false) // that chain may be of an earlier run
    await one.register()
    expect((await read(one))?.completeSince).toBe(start)
  })

  test('and one that cannot be asked is an outage', async () => {
    const fleet = new Fleet()
    const one = fleet.process('one', { client: { ...client(fleet), info: () => Promise.reject(new Error('LOADING the data set')) } })
    await expect(read(one)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('a sealing key that is gone', () => {
  const [old, next, index] = ['0123456789abcdef', '123456789abcdef0', '23456789abcdef01'].map((digits) => digits.repeat(4)) as [
    string,
    string,
    string,
  ]
  const ring = (...keys: string[]): Partial<KeyvCacheOptions> => ({ encryptionKey: undefined, keys, indexKey: index })

  test('ends the chain whose head it sealed: the marks begin anew', async () => {
    const fleet = new Fleet()
    await fleet.process('one', ring(old)).register()
    await fleet.process('two', ring(next, old)).register()
    expect((await read(fleet.process('reader', ring(next, old))))?.completeSince).toBe(start)
    wait()
    const three = fleet.process('three', ring(next))
    expect(await read(three)).toBeUndefined()
    await three.register()
    const found = await read(fleet.process('reader', ring(next)))
    expect([names(found), found?.completeSince]).toEqual([['three'], start + 60_000])
  })
})

describe('calls of one process at once', () => {
  test('do not end the chain, though a slow one sees less than another', async () => {
    const fleet = new Fleet()
    const one = fleet.process('one')
    await one.register()
    wait()
    await Promise.all([one.register(2), read(one), one.usage.seen(path, 'one', context), read(one)])
    expect((await read(fleet.process('reader')))?.completeSince).toBe(start)
  })
})
