import { createSecretsManager, loadSecrets, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { LeasingCache, type LeasingProcess, type Patience } from './testing/leasing-cache.ts'
import { codeOf } from './testing/manager-trial.ts'
import { onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
/** Within this a batch is sent once it holds a fill lease. */
const soonMs = 12

interface Fleet {
  readonly cache: LeasingCache
  /** What the store was asked, by whom, and after how many milliseconds. */
  readonly asked: { readonly by: string; readonly paths: readonly string[]; readonly at: number }[]
  readonly join: (name: string, process?: LeasingProcess) => Promise<SecretsManager>
}

/** Processes over one store, which answers after `storeMs`, and one shared cache. */
function fleet(storeMs: () => number = () => 20, patience?: Patience): Fleet {
  const cache = new LeasingCache(patience)
  const asked: Fleet['asked'] = []
  const begun = Date.now()
  const answer = async (by: string, paths: readonly string[]): Promise<void> => {
    asked.push({ by, paths, at: Date.now() - begun })
    await new Promise((resolve) => {
      const ms = storeMs()
      if (ms !== Infinity) setTimeout(resolve, ms)
    })
  }
  const providerOf = (by: string): SecretProvider => ({
    specificationVersion: 'v1',
    name: 'store',
    sharedAs: 'store',
    get: async (path) => (await answer(by, [path]), { value: `the value of ${path}` }),
    getMany: async (paths) => {
      await answer(by, paths)
      return paths.map((path) => ({ status: 'fulfilled', value: { value: `the value of ${path}` } }))
    },
  })
  const join = async (name: string, process?: LeasingProcess): Promise<SecretsManager> =>
    createSecretsManager({ providers: [providerOf(name)], cache: { shared: cache.process(name, process) } })
  return { cache, asked, join }
}

/** A process that does nothing more has the fill lease of these. */
async function leasedByDead(cache: LeasingCache, ...paths: readonly string[]): Promise<void> {
  const context = { signal: new AbortController().signal }
  const dead = cache.process('dead')
  await Promise.all([...paths.map((path) => dead.read({ sharedAs: 'store', path }, context)), pass(0)])
}

const valuesOf = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `the value of ${name}`]))

async function timed<T>(read: Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const begun = Date.now()
  const result = await read
  return { ms: Date.now() - begun, result }
}

const twenty = Array.from({ length: 20 }, (_, index) => `secret-${index}`)
/** The cache server answers probes in this order, two each millisecond. */
const inOrder =
  (names: readonly string[]) =>
  (path: string): number =>
    1 + Math.floor(names.indexOf(path) / 2)

describe.each<[string, (manager: SecretsManager, names: readonly string[]) => Promise<unknown>]>([
  ['getSecrets', (manager, names) => manager.getSecrets(names)],
  ['loadSecrets', (manager, names) => loadSecrets(manager, Object.fromEntries(names.map((name) => [name, {}])))],
])('%s of secrets that no process holds yet', (_, read) => {
  it('in opposite orders by two processes: neither keeps the fill lease that the other waits for', async () => {
    const { cache, asked, join } = fleet()
    const [one, two] = [await join('one', { probeMs: inOrder(twenty) }), await join('two', { probeMs: inOrder(twenty.toReversed()) })]
    const reads = [timed(read(one, twenty)), timed(read(two, twenty.toReversed()))]
    await pass(2_500)
    const ends = await Promise.all(reads)
    expect(ends.map(({ result }) => result)).toEqual([valuesOf(twenty), valuesOf(twenty)])
    expect(asked.flatMap(({ paths }) => paths).toSorted()).toEqual(twenty.toSorted())
    expect(asked).toHaveLength(2)
    expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThan(60)
    expect(cache.leases).toEqual({})
  })

  it.each([10, 40])('by %i processes: the store is asked for each once, and no reader waits for more than two calls', async (size) => {
    const { asked, join } = fleet()
    const orders = Array.from({ length: size }, (__, index) => [...twenty.slice(index % 20), ...twenty.slice(0, index % 20)])
    const fleetOf = await Promise.all(orders.map((names, index) => join(`p${index}`, { probeMs: inOrder(names) })))
    const reads = fleetOf.map((manager) => timed(read(manager, twenty)))
    await pass(2_500)
    const ends = await Promise.all(reads)
    for (const { result } of ends) expect(result).toEqual(valuesOf(twenty))
    expect(asked.flatMap(({ paths }) => paths).toSorted()).toEqual(twenty.toSorted())
    expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThan(60)
  })

  it('by one process: the store is asked once for all, as soon as the last probe is back', async () => {
    const { asked, join } = fleet()
    const reading = timed(read(await join('one', { probeMs: inOrder(twenty) }), twenty))
    await pass(100)
    expect((await reading).result).toEqual(valuesOf(twenty))
    expect(asked).toEqual([{ by: 'one', paths: twenty, at: 10 }])
  })
})

describe('a batch that holds a fill lease', () => {
  it('is not held up by a member whose probe hangs', async () => {
    const { cache, asked, join } = fleet()
    const manager = await join('one', { probeMs: (path) => (path === 'hangs' ? Infinity : 1) })
    const reading = timed(manager.getSecrets(['a', 'hangs', 'b']))
    await pass(soonMs + 25)
    expect(asked).toEqual([{ by: 'one', paths: ['a', 'b'], at: expect.closeTo(soonMs, -1) }])
    expect([cache.leases, cache.filled]).toEqual([{}, ['a', 'b']])
    await pass(cache.longestReadMs + 100)
    expect((await reading).result).toEqual(valuesOf(['a', 'hangs', 'b']))
  })

  it('asks for what it got later by a call of its own', async () => {
    const { cache, asked, join } = fleet()
    const one = await join('one')
    await leasedByDead(cache, 'a', 'b')
    const reading = one.getSecrets(['a', 'b', 'c', 'd'])
    await pass(500)
    cache.expire('a')
    cache.expire('b')
    await pass(100)
    expect(await reading).toEqual(valuesOf(['a', 'b', 'c', 'd']))
    expect(asked.map(({ by, paths }) => [by, paths])).toEqual([
      ['one', ['c', 'd']],
      ['one', ['a', 'b']],
    ])
  })

  it('hands it back, and asks nothing, where its reader gives up before the call is sent', async () => {
    const { cache, asked, join } = fleet()
    const [one, other] = [await join('one', { probeMs: (path) => (path === 'slow' ? 1_000 : 1) }), await join('other')]
    const gaveUp = new AbortController()
    const reading = codeOf(one.getSecrets(['a', 'slow'], { signal: gaveUp.signal }))
    await pass(5)
    expect(cache.leases).toEqual({ a: 'one' })
    const waiting = other.getSecret('a')
    gaveUp.abort()
    await pass(0)
    expect([await reading, cache.leases]).toEqual(['ABORTED', { a: 'other' }])
    await pass(2_000)
    expect(await waiting).toBe('the value of a')
    expect([asked.map(({ by }) => by), cache.leases]).toEqual([['other'], {}])
  })

  it('asks for what others wait for, where only its own reader gives up', async () => {
    const { cache, asked, join } = fleet()
    const one = await join('one', { probeMs: (path) => (path === 'slow' ? 1_000 : 1) })
    const gaveUp = new AbortController()
    const reading = codeOf(one.getSecrets(['a', 'b', 'slow'], { signal: gaveUp.signal }))
    const joined = one.getSecret('b')
    await pass(5)
    gaveUp.abort()
    await pass(100)
    expect([await reading, await joined, asked.map(({ paths }) => paths)]).toEqual(['ABORTED', 'the value of b', [['b']]])
    await pass(2_000)
    expect(cache.leases).toEqual({})
  })

  it('fails for the member whose probe fails closed, and asks for the others', async () => {
    const { cache, asked, join } = fleet()
    const manager = await join('one', {
      failClosed: true,
      isUnavailable: (path) => path === 'cut',
      probeMs: (path) => (path === 'cut' ? 500 : 1),
    })
    const reading = manager.getSecretValues(['a', 'cut', 'b'].map((name) => ({ name })))
    await pass(soonMs + 25)
    expect([asked.map(({ paths }) => paths), cache.filled]).toEqual([[['a', 'b']], ['a', 'b']])
    await pass(500)
    expect((await reading).map((each) => (each.status === 'fulfilled' ? each.value.reveal() : each.reason.code))).toEqual([
      'the value of a',
      'UNAVAILABLE',
      'the value of b',
    ])
  })

  it.each([0, 5, 15, 25, 100])('ends with the manager that is closed after %i ms, and keeps no lease', async (afterMs) => {
    const { cache, join } = fleet()
    const one = await join('one', { probeMs: () => 2 })
    await leasedByDead(cache, 'kept')
    const reading = one.getSecretValues(['a', 'b', 'kept'].map((name) => ({ name })))
    await pass(afterMs)
    const closing = one.close({ timeoutMs: 1 })
    await pass(50)
    await closing
    const codes = (await reading).map((each) => (each.status === 'fulfilled' ? 'read' : each.reason.code))
    const ended = afterMs > 30 ? 'read' : 'ABORTED'
    expect(codes).toEqual([ended, ended, 'ABORTED'])
    expect(cache.leases).toEqual({ kept: 'dead' })
    const timers = vi.getTimerCount()
    await pass(5_000)
    expect([timers, cache.filled]).toEqual([0, ended === 'read' ? ['a', 'b'] : []])
  })

  it('brings its answer after the lease is over: others may have asked once more, and both are answered', async () => {
    const { cache, asked, join } = fleet(() => 700)
    const fleetOf = await Promise.all(Array.from({ length: 5 }, (_, index) => join(`p${index}`)))
    const reads = fleetOf.map((manager) => timed(manager.getSecrets(['a', 'b'])))
    await pass(500)
    cache.expire('a')
    cache.expire('b')
    await pass(1_500)
    for (const { ms, result } of await Promise.all(reads)) expect([result, ms < 1_300]).toEqual([valuesOf(['a', 'b']), true])
    expect(asked.flatMap(({ paths }) => paths).toSorted()).toEqual(['a', 'a', 'b', 'b'])
    expect(cache.leases).toEqual({})
  })
})

describe('any fleet that starts on secrets which no process holds', () => {
  const patience: Patience = { leaseMs: 500, waitMs: 1_000 }
  const size = { processes: fc.integer({ min: 1, max: 6 }), secrets: fc.integer({ min: 1, max: 6 }), draw: fc.gen() }

  it('asks for each secret once, and no process waits longer than that takes, where answers come within the lease', async () => {
    const [mostProbeMs, mostStoreMs] = [60, 200]
    const property = fc.asyncProperty(fc.record(size), async ({ processes, secrets, draw }) => {
      const probeMs = (): number => draw(fc.nat, mostProbeMs)
      const { cache, asked, join } = fleet(() => draw(fc.nat, mostStoreMs), patience)
      const names = twenty.slice(0, secrets)
      const managers = await Promise.all(Array.from({ length: processes }, (_, index) => join(`p${index}`, { probeMs, fillMs: probeMs })))
      const reads = managers.map((manager) => timed(manager.getSecrets(draw(fc.shuffledSubarray, names, { minLength: secrets }))))
      await pass(1_000)
      for (const { ms, result } of await Promise.all(reads)) {
        expect(result).toEqual(valuesOf(names))
        expect(ms).toBeLessThanOrEqual(2 * mostProbeMs + soonMs + mostStoreMs)
      }
      expect(asked.flatMap(({ paths }) => paths).toSorted()).toEqual(names.toSorted())
      expect(cache.leases).toEqual({})
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('ends every read within its deadlines, and keeps no lease, whatever hangs, is given up or closed', async () => {
    const [deadlineMs, closeMs] = [5_000, 100]
    const hangs = (mostMs: number): fc.Arbitrary<number> => fc.oneof({ weight: 4, arbitrary: fc.nat(mostMs) }, fc.constant(Infinity))
    const property = fc.asyncProperty(fc.record(size), async ({ processes, secrets, draw }) => {
      const { cache, asked, join } = fleet(() => draw(hangs, 3_000), patience)
      const names = twenty.slice(0, secrets)
      const one = async (name: string): Promise<number> => {
        const [givesUp, closes] = [draw(fc.option, fc.nat(4_000)), draw(fc.option, fc.nat(4_000))]
        const manager = await join(name, { probeMs: () => draw(hangs, 2_500), fillMs: () => draw(fc.nat, 100) })
        const left = new AbortController()
        if (givesUp !== null) setTimeout(() => left.abort(), givesUp)
        if (closes !== null) setTimeout(() => void manager.close({ timeoutMs: closeMs }), closes)
        const { ms } = await timed(
          Promise.allSettled([
            manager.getSecrets(names, { signal: left.signal }),
            manager.getSecretValues(names.map((each) => ({ name: each }))),
          ]),
        )
        return ms
      }
      const ends = Promise.all(Array.from({ length: processes }, (_, index) => one(`p${index}`)))
      await settled(ends)
      for (const ms of await ends) expect(ms).toBeLessThanOrEqual(cache.longestReadMs + soonMs + deadlineMs + 50)
      await pass(patience.leaseMs + 200)
      expect(cache.leases).toEqual({})
      const questions = asked.flatMap(({ by, paths }) => paths.map((path) => `${by} ${path}`))
      expect(questions.toSorted(), 'by each process once').toEqual([...new Set(questions)].toSorted())
    })
    await fc.assert(property, { numRuns: 40 })
  })
})

/** Lets time pass until the promise is settled, at most 20 s. */
async function settled(promise: Promise<unknown>): Promise<void> {
  const wait = { isOver: false }
  void promise.finally(() => (wait.isOver = true))
  for (let ms = 0; !wait.isOver && ms < 20_000; ms += 100) await pass(100)
}
