import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { listsOf, readsOf, restoresOf, writesOf, type MemberCall } from '../member-calls.ts'
import { assertRejected, member, reads, register, rejects, type Rules, type Suite, type Trial } from '../trial.ts'

/** What a signal does to every member, and what members do to a signal. */
export function testAborting(suite: Suite): void {
  register(suite, abortedRules(suite))
  register(suite, listenersRules(suite))
  if (suite.supports('getMany')) register(suite, batchRules)
}

const abortedRules = (suite: Suite): Rules => ({
  'aborting: every member rejects if its signal is aborted already, asks nothing and changes nothing': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await trial.provider.staging?.put(trial.path(1), { value: trial.value(2) }, trial.context)
    const before = trial.harness.requests?.()
    for (const { member: name, run } of everyCall(suite, trial)) {
      await rejects(run({ signal: AbortSignal.abort() }), 'ABORTED', 'DEADLINE_EXCEEDED')
      assert.equal(trial.harness.requests?.(), before, `${name} reached the store after an abort`)
    }
    await reads(trial, trial.path(1), trial.value(1))
    const waiting = await trial.provider.staging?.get(trial.path(1), trial.context)
    assert.equal(waiting?.version, pending?.version, 'an aborted call changed what is staged')
  },
})

/** Every call with a path, the list and the health check. */
export function everyCall(suite: Suite, trial: Trial): readonly MemberCall[] {
  const { checkHealth } = trial.provider
  const path = trial.path(1)
  const named: readonly (MemberCall | undefined)[] = [
    ...readsOf(suite, trial, path),
    ...listsOf(trial),
    ...writesOf(trial, path, undefined),
    ...restoresOf(trial, path),
    checkHealth && { member: 'checkHealth', run: checkHealth },
  ]
  return named.filter((call) => call !== undefined)
}

/** Enough to tell a listener for each call from one for each batch. */
const callCount = 6

const listenersRules = (suite: Suite): Rules => ({
  'aborting: no call leaves a listener on its signal': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const calls = [...readsOf(suite, trial, trial.path(1)), ...listsOf(trial), ...tagOf(trial)]
    for (const { member: name, run } of calls) {
      const { signal } = new AbortController()
      await Promise.all(Array.from({ length: callCount }, () => run({ signal })))
      const left = await listenersLeft(signal)
      assert.ok(left < callCount, `${name} left ${left} listeners on its signal after ${callCount} calls`)
    }
  },
})

function tagOf({ provider: { tag }, path }: Trial): readonly MemberCall[] {
  return tag ? [{ member: 'tag', run: (context) => tag(path(1), { team: 'pay' }, context) }] : []
}

/** `fetch` leaves listeners to the garbage collector. */
async function listenersLeft(signal: AbortSignal): Promise<number> {
  await turn()
  for (let round = 0; round < 5 && getEventListeners(signal, 'abort').length >= callCount; round += 1) {
    collectGarbage()
    await turn()
  }
  return getEventListeners(signal, 'abort').length
}

let collect: (() => void) | undefined

/** Only V8 can be asked; another engine keeps no listeners of `fetch`. */
function collectGarbage(): void {
  if (process.versions['bun'] !== undefined) return
  setFlagsFromString('--expose-gc')
  collect ??= runInNewContext('gc') as () => void // V8's own
  collect()
}

const batchRules: Rules = {
  'batch: an aborted batch rejects, as a whole or for each path, and asks no more': async (trial) => {
    const paths = Array.from({ length: 60 }, (_, index) => trial.path(index + 1))
    await trial.seed(trial.path(1), trial.value(1))
    const controller = new AbortController()
    const batch = member(trial, 'getMany')(paths, { signal: controller.signal })
    controller.abort()
    const [settled] = await Promise.allSettled([batch])
    const before = trial.harness.requests?.()
    if (settled.status === 'rejected') await rejects(batch, 'ABORTED', 'DEADLINE_EXCEEDED')
    else for (const one of settled.value) if (one.status === 'rejected') assertRejected('getMany', one, 'ABORTED', 'DEADLINE_EXCEEDED')
    for (let n = 0; n < 20; n += 1) await turn()
    assert.equal(trial.harness.requests?.(), before, 'getMany went on to ask after it settled')
  },
}
