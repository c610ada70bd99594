import assert from 'node:assert/strict'
import { answered, codes, type Answered } from './failure-codes.ts'
import { listsOf, readsOf, type MemberCall } from '../member-calls.ts'
import { testLateStore } from './late-store.ts'
import { testFailedWrites } from './failed-writes.ts'
import { assertRejected, member, reads, register, rejects, valueOf, whileBroken, withdraw, canary } from '../trial.ts'
import type { Rules, Suite, Trial } from '../trial.ts'

/** A failure of the store is an error with the right code: never absence, never a value. */
export function testFailing(suite: Suite): void {
  for (const breakage of answered.filter(suite.canHappen)) register(suite, readRules(suite, breakage))
  if (answered.some(suite.canHappen)) register(suite, rememberedRules(suite))
  testFailedWrites(suite)
  testLateStore(suite)
  if (suite.canHappen('withdrawn')) register(suite, withdrawnRules(suite))
  if (suite.canHappen('unreachable')) register(suite, unreachableRules(suite))
}

const readRules = (suite: Suite, breakage: Answered): Rules => ({
  [`failing: ${breakage} rejects with ${codes[breakage].join(' or ')}, until the store is repaired`]: async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await failsReads(suite, trial, breakage)
    await reads(trial, trial.path(1), trial.value(1))
  },

  ...(breakage !== 'garbage' && {
    // A missing secret cannot be damaged.
    [`failing: ${breakage} never reads as a missing secret`]: async (trial) => {
      await failsReads(suite, trial, breakage)
      await reads(trial, trial.path(1), undefined)
    },
  }),
})

const rememberedRules = (suite: Suite): Rules => ({
  'failing: what was read before is not answered while the store fails': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await Promise.all([...readsOf(suite, trial, trial.path(1)), ...listsOf(trial)].map(({ run }) => run(trial.context)))
    for (const breakage of answered.filter(suite.canHappen)) {
      if (trial.harness.readableWhen?.includes(breakage) !== true) await failsReads(suite, trial, breakage)
      await reads(trial, trial.path(1), trial.value(1))
    }
  },
})

/** Every read of path 1 rejects, and so does a list. */
async function failsReads(suite: Suite, trial: Trial, breakage: Answered): Promise<void> {
  await whileBroken(trial, breakage, trial.path(1), async () => {
    const calls = [...readsOf(suite, trial, trial.path(1)), ...listsOf(trial)]
    // A damaged secret may still be described, probed and listed: that takes no value.
    const takesNoValue = ({ member: name }: MemberCall): boolean => name === 'describe' || name === 'probe' || name === 'list'
    const failing = calls.filter((call) => breakage !== 'garbage' || !takesNoValue(call))
    await Promise.all(failing.map(({ run }) => rejects(run(trial.context), ...codes[breakage])))
    await rejects(trial.get(trial.path(1)), ...codes[breakage])
  })
}

const withdrawnRules = (suite: Suite): Rules => ({
  'failing: a withdrawn secret rejects with DELETED, and a missing one is undefined': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await assertWithdrawn(suite, trial)
    for (const { member: name, run } of readsOf(suite, trial, trial.path(2)))
      assert.equal(await run(trial.context), undefined, `${name} answered a missing secret; it must resolve with undefined`)
  },

  'failing: a secret that is withdrawn after it was read rejects with DELETED': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    for (const { run } of readsOf(suite, trial, trial.path(1))) await run(trial.context)
    await assertWithdrawn(suite, trial)
  },
})

/** `previous` of a single version is absent, withdrawn or not; every other read is DELETED. */
async function assertWithdrawn(suite: Suite, trial: Trial): Promise<void> {
  await withdraw(trial, trial.path(1))
  for (const { member: name, run } of readsOf(suite, trial, trial.path(1))) {
    const [settled] = await Promise.allSettled([run(trial.context)])
    const mayBeAbsent = name === 'getVersion' && settled.status === 'fulfilled' && settled.value === undefined
    if (!mayBeAbsent) assertRejected(name, settled, 'DELETED')
  }
}

const unreachableRules = ({ supports }: Suite): Rules => ({
  ...(supports('put') && {
    'failing: a write to an unreachable store rejects, and reveals no value': async (trial) => {
      const put = member(trial, 'put')
      const path = trial.path(1)
      await trial.seed(path, trial.value(1))
      await whileBroken(trial, 'unreachable', path, () => rejects(put(path, { value: `${canary}-lost` }, trial.context), 'UNAVAILABLE'))
      const after = valueOf(await trial.get(path))
      assert.ok(after === trial.value(1) || after === `${canary}-lost`, 'a failed write must leave the old value or the new one')
    },
  }),
})
