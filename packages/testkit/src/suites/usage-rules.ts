import assert from 'node:assert/strict'
import type { SharedCache, SharedUsage, UsageMark, UsageMarks, UsagePath } from '@finchat/secrets-core'
import type { CacheRule, CacheTrial } from './cache-trial.ts'
import { rejects, within } from './provider/trial.ts'

const path: UsagePath = { sharedAs: 'store', path: 'suite/used' }
const timeoutMs = 10_000

/** What both processes have for marks of use. */
interface UsageTrial extends CacheTrial {
  readonly usage: SharedUsage
  readonly other: SharedUsage
}

/** Marks of use are optional in the contract: a rule holds for a cache that keeps none. */
function rule(prove: (trial: UsageTrial) => Promise<void>): CacheRule {
  return async (trial) => {
    const [usage, other] = [trial.cache.usage, trial.another.usage]
    if (usage !== undefined && other !== undefined) await prove({ ...trial, usage, other })
  }
}

/** The rules of marks of use. */
export function usageRules(): Readonly<Record<string, CacheRule>> {
  return { ...rulesOfMarks, ...rulesOfState }
}

const rulesOfMarks: Readonly<Record<string, CacheRule>> = {
  'usage marks: a mark is read as it was made, by every process': rule(async ({ cache, another, usage, context }) => {
    const mark = markOf('one', { actor: 'webapp', pid: 7, uses: [{ version: 3, revision: 'r3' }, { version: 2 }] })
    await usage.register(path, mark, context)
    for (const from of [cache, another]) {
      const [kept] = (await read(from, context)).marks
      assert.ok(kept !== undefined, 'a mark is missing')
      const { seenAt, isExcused, ...rest } = kept
      assert.deepEqual(JSON.parse(JSON.stringify(rest)), JSON.parse(JSON.stringify(mark)))
      assert.ok(!isExcused && (seenAt === undefined || Math.abs(seenAt - Date.now()) < 60_000))
    }
  }),
  'usage marks: a later mark replaces that of its process, and no other': rule(async ({ usage, other, another, context }) => {
    await usage.register(path, markOf('one'), context)
    await other.register(path, markOf('two'), context)
    await other.register(path, markOf('one', { count: 2, uses: [{ version: 2 }] }), context)
    await usage.register(path, markOf('one', { count: 1 }), context) // it comes late
    assert.deepEqual(usesOf(await read(another, context)), { one: [2], two: [1] })
  }),
  'usage marks: of many made at once, none is lost': rule(async ({ usage, other, another, context }) => {
    const names = Array.from({ length: 20 }, (_, n) => `process ${n}`)
    const registering = names.map((name, n) => (n % 2 === 0 ? usage : other).register(path, markOf(name), context))
    await within(timeoutMs, Promise.all(registering), 'registrations hang')
    assert.deepEqual(Object.keys(usesOf(await read(another, context))).toSorted(), names.toSorted())
  }),
  'usage marks: a process that uses nothing any more is gone': rule(async ({ usage, other, cache, context }) => {
    await usage.register(path, markOf('one'), context)
    await other.register(path, markOf('two'), context)
    await usage.register(path, markOf('one', { count: 2, uses: [] }), context)
    assert.deepEqual(usesOf(await read(cache, context)), { two: [1] })
  }),
  'usage marks: they belong to their store and path only': rule(async ({ usage, other, context }) => {
    await usage.register(path, markOf('one'), context)
    for (const near of [
      { ...path, path: 'suite' },
      { ...path, sharedAs: 'store:suite' },
      { sharedAs: 'store/suite', path: 'used' },
    ])
      assert.equal((await other.read(near, context))?.marks.length ?? 0, 0, `${JSON.stringify(near)} is another path`)
  }),
  'usage marks: an invalidation of the path keeps them: a rotation invalidates too': rule(async ({ usage, another, context }) => {
    await usage.register(path, markOf('one'), context)
    await another.invalidate(path, context)
    assert.deepEqual(usesOf(await read(another, context)), { one: [1] })
  }),
  'usage marks: they are complete since the first, and stay so': rule(async ({ usage, other, another, context }) => {
    const before = Date.now()
    await usage.register(path, markOf('one'), context)
    const { completeSince } = await read(another, context)
    const isFirst = completeSince === undefined || (completeSince >= before - 1 && completeSince <= Date.now() + 1)
    assert.ok(isFirst, 'completeSince is not when the first mark was made')
    await other.register(path, markOf('two'), context)
    assert.equal((await read(another, context)).completeSince, completeSince)
  }),
  'usage marks: a process learns whether its mark is still there': rule(async ({ usage, other, context }) => {
    assert.equal(await usage.seen(path, 'one', context), false)
    await usage.register(path, markOf('one'), context)
    assert.equal(await other.seen(path, 'one', context), true)
    assert.equal(await other.seen(path, 'two', context), false)
  }),
}

const rulesOfState: Readonly<Record<string, CacheRule>> = {
  'usage marks: an excused process is so until its next mark': rule(async ({ usage, other, another, context }) => {
    await usage.register(path, markOf('one'), context)
    await usage.register(path, markOf('two'), context)
    await other.excuse(path, [markOf('one'), markOf('unknown')], context)
    assert.deepEqual(excusedIn(await read(another, context)), ['one'])
    await usage.register(path, markOf('one', { count: 2 }), context)
    assert.deepEqual(excusedIn(await read(another, context)), [])
  }),
  'usage marks: a later mark than the one to excuse counts': rule(async ({ usage, other, another, context }) => {
    await usage.register(path, markOf('one', { count: 2 }), context)
    await other.excuse(path, [markOf('one', { count: 1 })], context)
    assert.deepEqual(excusedIn(await read(another, context)), [])
  }),
  'usage marks: calls reject while the store is down': rule(async ({ usage, breakCache, context }) => {
    await usage.register(path, markOf('one'), context)
    const repair = await breakCache()
    try {
      const calls: readonly (() => Promise<unknown>)[] = [
        () => usage.register(path, markOf('two'), context),
        () => usage.seen(path, 'one', context),
        () => usage.read(path, context),
        () => usage.excuse(path, [markOf('one')], context),
      ]
      for (const call of calls) await within(timeoutMs, rejects(call()), 'a call hangs')
    } finally {
      await repair()
    }
  }),
}

function markOf(process: string, more: Partial<UsageMark> = {}): UsageMark {
  return { process, count: 1, host: 'host', since: Date.now(), uses: [{ version: 1 }], ...more }
}

async function read({ usage }: SharedCache, context: CacheTrial['context']): Promise<UsageMarks> {
  const found = await usage?.read(path, context)
  assert.ok(found !== undefined, 'the marks are gone')
  return found
}

function usesOf({ marks }: UsageMarks): Record<string, unknown> {
  return Object.fromEntries(marks.map(({ process, uses }) => [process, uses.map(({ version }) => version)]))
}

function excusedIn({ marks }: UsageMarks): readonly string[] {
  return marks.filter(({ isExcused }) => isExcused).map(({ process }) => process)
}
