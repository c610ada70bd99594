import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecretsErrorCode } from '@finchat/secrets-core'
import { listsOf, readsOf, writesOf, type MemberCall } from '../member-calls.ts'
import {
  assertRejected,
  member,
  reads,
  register,
  valueOf,
  waits,
  whileBroken,
  within,
  type Rules,
  type Suite,
  type Trial,
} from '../trial.ts'

/** For an aborted call on a loaded machine; below the deadlines of the providers themselves. */
const abortMs = 3_000

/** The codes of a call that a provider gives up by its own deadline. */
const gaveUp: readonly SecretsErrorCode[] = ['DEADLINE_EXCEEDED', 'UNAVAILABLE']

/** A store that does not answer, or answers late. */
export function testLateStore(suite: Suite): void {
  if (!suite.canHappen('hung')) return
  register(suite, hungReadRules(suite))
  if (suite.supports('put')) register(suite, hungWriteRules)
  register(suite, afterwardsRules(suite))
}

const hungReadRules = (suite: Suite): Rules => ({
  'failing: a read from a store that hangs ends when its signal is aborted': async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    const health = trial.provider.checkHealth
    await whileBroken(trial, 'hung', path, async () => {
      const healthOf = health ? [{ member: 'checkHealth', run: health }] : []
      await assertEndWhenAborted([...readsOf(suite, trial, path), ...listsOf(trial), ...healthOf])
    })
    await reads(trial, path, trial.value(1))
  },

  'failing: a read from a store that hangs never resolves, also after a deadline of its own': async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    await whileBroken(trial, 'hung', path, async () => {
      const controller = new AbortController()
      const calls = [...readsOf(suite, trial, path), ...listsOf(trial)]
      const begun = calls.map((call) => ({ call, state: settlement(call.run({ signal: controller.signal })) }))
      await sleep(deadlineMs)
      for (const { call, state } of begun) if (state.settled) assertRejected(call.member, state.settled, ...gaveUp)
      controller.abort()
      await within(abortMs, Promise.all(begun.map(({ state }) => state.end)), 'an aborted call does not end')
    })
  },
})

/** Longer than the deadlines of most providers in their tests. */
const deadlineMs = 1_000

interface Settlement {
  settled?: PromiseSettledResult<unknown>
  end: Promise<void>
}

function settlement(call: Promise<unknown>): Settlement {
  const state: Settlement = { end: Promise.resolve() }
  state.end = Promise.allSettled([call]).then(([settled]) => void (state.settled = settled))
  return state
}

const hungWriteRules: Rules = {
  'failing: a write to a store that hangs ends when its signal is aborted': async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    const writes = writesOf(trial, path, undefined).filter(({ member: name }) => name !== 'delete')
    await whileBroken(trial, 'hung', path, () => assertEndWhenAborted(writes))
    const after = valueOf(await trial.get(path))
    assert.ok(after === trial.value(1) || after?.toString().endsWith('-lost'), 'an aborted write must leave the old value or the new one')
  },

  'failing: a write that was aborted does not happen later': async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    const [write] = writesOf(trial, path, undefined)
    assert.ok(write)
    await whileBroken(trial, 'hung', path, () => assertEndsWhenAborted(write))
    const { version, revision } = (await trial.get(path)) ?? {}
    await waits(quietMs)
    const later = await trial.get(path)
    assert.deepEqual([later?.version, later?.revision], [version, revision], 'put went on after it was aborted, and wrote')
  },
}

/** How long a retry that goes on after a rejection may wait. */
const quietMs = 250

const afterwardsRules = (suite: Suite): Rules => ({
  'failing: an aborted call does not keep the provider from closing': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await whileBroken(trial, 'hung', trial.path(1), async () => {
      await assertEndsWhenAborted({ member: 'get', run: (context) => trial.provider.get(trial.path(1), context) })
      const closed = trial.provider.close?.(trial.context) ?? Promise.resolve()
      await within(2 * abortMs, closed, '`close` hangs after an aborted call')
    })
  },

  'failing: many aborted calls do not keep later calls from the store': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await whileBroken(trial, 'hung', trial.path(1), () => abortsMany(suite, trial))
    await within(abortMs, reads(trial, trial.path(1), trial.value(1)), 'get hangs after many calls were aborted')
    if (!suite.supports('put')) return
    const write = member(trial, 'put')(trial.path(1), { value: trial.value(2) }, trial.context)
    await within(abortMs, write, 'put hangs after many calls were aborted')
  },
})

async function abortsMany(suite: Suite, trial: Trial): Promise<void> {
  const controller = new AbortController()
  const rounds = Array.from({ length: 12 }, () => readsOf(suite, trial, trial.path(1))).flat()
  const ended = Promise.allSettled(rounds.map(({ run }) => run({ signal: controller.signal })))
  await sleep(20)
  controller.abort()
  await within(abortMs, ended, 'an aborted call does not end')
}

async function assertEndsWhenAborted(call: MemberCall): Promise<void> {
  await assertEndWhenAborted([call])
}

async function assertEndWhenAborted(calls: readonly MemberCall[]): Promise<void> {
  const controller = new AbortController()
  const begun = calls.map(({ member: name, run }) => ({ name, state: settlement(run({ signal: controller.signal })) }))
  await sleep(50)
  for (const { name, state } of begun) {
    if (name === 'checkHealth') continue // it may ask another part of the store
    const outcome = state.settled?.status === 'rejected' ? 'rejects' : 'resolves'
    assert.equal(state.settled, undefined, `the store hangs, yet ${name} ${outcome}`)
  }
  controller.abort()
  for (const { name, state } of begun) {
    await within(abortMs, state.end, `${name} does not end when its signal is aborted`)
    if (name !== 'checkHealth' || state.settled?.status === 'rejected') assertRejected(name, state.settled)
  }
}
