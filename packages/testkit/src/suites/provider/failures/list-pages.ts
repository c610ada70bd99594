import assert from 'node:assert/strict'
import { codes, type Answered } from './failure-codes.ts'
import { listsOf } from '../member-calls.ts'
import { assertRejected, inBatches, member, register, whileBroken, type Rules, type Suite, type Trial } from '../trial.ts'

/** More than a page of most stores. */
const count = 64

/** A list to its last page, or an error. */
export function testListPages(suite: Suite): void {
  if (!suite.supports('list')) return
  register(suite, pagesRules(suite))
  register(suite, prefixRules(suite))
}

const pagesRules = ({ canHappen }: Suite): Rules => ({
  [`listing: ${count} paths are listed to the last, or the list rejects: of a failed page, or after an abort`]: async (trial) => {
    const paths = await seedMany(trial)
    const whole = await listed(trial, '')
    assert.deepEqual(whole, paths, `list ended after ${whole.length} of ${count} paths`)
    for (const breakage of ['denied', 'unreachable', 'throttled', 'garbage'] as const)
      if (canHappen(breakage)) await breaksBetween(trial, breakage, paths)
    await abortsBetween(trial, paths)
  },
})

/** It may go on with the paths that it has, and asks for no further page. */
async function abortsBetween(trial: Trial, paths: readonly string[]): Promise<void> {
  const controller = new AbortController()
  const iterator = member(trial, 'list')('', { signal: controller.signal })[Symbol.asyncIterator]()
  await iterator.next()
  controller.abort()
  const before = trial.harness.requests?.()
  const [rest] = await Promise.allSettled([remaining(iterator)])
  if (rest.status === 'rejected') return void assertRejected('list', rest, 'ABORTED', 'DEADLINE_EXCEEDED')
  assert.equal(rest.value.length + 1, paths.length, 'list ended early after an abort, as if there were no more')
  assert.equal(trial.harness.requests?.(), before, 'list asked for another page after an abort')
}

/** After the first path the store breaks: a list of one page goes on to its end. */
async function breaksBetween(trial: Trial, breakage: Answered, paths: readonly string[]): Promise<void> {
  const iterator = member(trial, 'list')('', trial.context)[Symbol.asyncIterator]()
  const first = await iterator.next()
  await whileBroken(trial, breakage, trial.path(1), async () => {
    const [rest] = await Promise.allSettled([remaining(iterator)])
    if (rest.status === 'rejected') assertRejected('list', rest, ...codes[breakage])
    else {
      const all = [String(first.value?.path), ...rest.value].toSorted()
      assert.deepEqual(all, paths, `list ended after ${all.length} of ${count} paths, though the next page failed`)
    }
  })
}

async function remaining(iterator: AsyncIterator<{ readonly path: string }>): Promise<string[]> {
  const paths: string[] = []
  for (;;) {
    const { done, value } = await iterator.next()
    if (done === true) return paths
    paths.push(value.path)
  }
}

/** Returns the paths in order. */
async function seedMany(trial: Trial): Promise<readonly string[]> {
  const paths = Array.from({ length: count }, (_, index) => trial.path(index + 1))
  await inBatches(paths, (path) => trial.seed(path, trial.value(1)))
  return paths.toSorted()
}

const signs = [...'.*?%_[+^$|({&#=:;~\\', '%31', '%2A', '\\d', '.*']

const prefixRules = ({ manifest }: Suite): Rules => ({
  'listing: a prefix is text, not a pattern, and is the beginning of a path': async (trial) => {
    const own = [1, 2, 11, 12].map(trial.path)
    const [first = ''] = own
    const stem = first.slice(0, -1)
    const others = [...new Set(signs.map((sign) => `${stem}${sign}x`))].filter(manifest.canHoldPath)
    await inBatches([...own, ...others], (path) => trial.seed(path, trial.value(1)))
    const patterns = signs.flatMap((sign) => [`${stem}${sign}`, `${stem.slice(0, -1)}${sign}`])
    const parts = [stem.slice(1), stem.toUpperCase(), `^${stem}`, `${first}$`, `/${stem}`]
    await inBatches([...new Set([...patterns, ...parts])], async (prefix) => {
      const expected = [...own, ...others].filter((path) => path.startsWith(prefix)).toSorted()
      const [settled] = await Promise.allSettled([listed(trial, prefix)])
      if (expected.length === 0 && settled.status === 'rejected') assertRejected('list', settled, 'INVALID_ARGUMENT')
      else if (settled.status === 'rejected') throw settled.reason
      else assert.deepEqual(settled.value, expected, `list has other paths than those that begin with ${JSON.stringify(prefix)}`)
    })
  },
})

async function listed(trial: Trial, prefix: string): Promise<readonly string[]> {
  const answers = await Promise.all(listsOf(trial, prefix).map(({ run }) => run(trial.context)))
  return answers.flat().map(String).toSorted()
}
