import assert from 'node:assert/strict'
import type { CallContext, SecretsError, SecretsErrorCode, StagedReceipt } from '@finchat/secrets-core'
import { answered, codes, type Answered, type Unanswered } from './failure-codes.ts'
import { listsOf, lostValue, restoresOf, writesOf, type MemberCall } from '../member-calls.ts'
import { assertRejected, member, register, rejects, valueOf, whileBroken, withdraw, type Rules, type Suite, type Trial } from '../trial.ts'

/** A write that fails says so, and whether it may have happened. */
export function testFailedWrites(suite: Suite): void {
  const writes = (['put', 'tag', 'delete', 'staging'] as const).filter((one) => suite.supports(one))
  if (writes.length > 0) {
    const breakages = answered.filter((breakage) => breakage !== 'garbage' && suite.canHappen(breakage))
    if (breakages.length > 0) register(suite, rejectedRules(suite, breakages))
    if (suite.canHappen('garbage')) register(suite, garbageRules(suite))
    for (const breakage of ['lost', 'garbled'] as const) if (suite.canHappen(breakage)) register(suite, unansweredRules(suite, breakage))
  }
  if (suite.supports('list') && suite.canHappen('garbage')) register(suite, garbageListRules)
}

const rejectedRules = (suite: Suite, breakages: readonly Answered[]): Rules => ({
  'failing: every write rejects with the code of the failure, and changes nothing': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    for (const breakage of breakages) await rejectsWrites(trial, breakage, undefined)
    if (!suite.supports('staging')) return
    const pending = await staged(trial)
    for (const breakage of breakages) await rejectsWrites(trial, breakage, pending)
  },

  ...(suite.supports('restore') &&
    suite.canHappen('withdrawn') && {
      'failing: a restore rejects with the code of the failure, and changes nothing': async (trial) => {
        await trial.seed(trial.path(1), trial.value(1))
        await withdraw(trial, trial.path(1))
        for (const breakage of breakages) {
          const errors = await failures(trial, breakage, restoresOf(trial, trial.path(1)))
          if (isCertain(errors)) await rejects(trial.get(trial.path(1)), 'DELETED')
        }
      },
    }),
})

async function rejectsWrites(trial: Trial, breakage: Answered, pending: StagedReceipt | undefined): Promise<void> {
  const path = trial.path(1)
  const errors = await failures(trial, breakage, writesOf(trial, path, pending))
  if (!isCertain(errors)) return
  const message = `a write that rejected without \`effect\` happened all the same, or another change`
  assert.equal(valueOf(await trial.get(path)), trial.value(1), message)
  const tags = (await trial.provider.describe?.(path, trial.context))?.tags ?? {}
  assert.equal(tags['lost'], undefined, message)
  const waiting = await trial.provider.staging?.get(path, trial.context)
  assert.equal(waiting?.version, pending?.version, message)
}

async function failures(trial: Trial, breakage: Answered, writes: readonly MemberCall[]): Promise<readonly SecretsError[]> {
  const errors: SecretsError[] = []
  await whileBroken(trial, breakage, trial.path(1), async () => {
    const canRead = trial.harness.readableWhen?.includes(breakage) === true
    const calls = writes.filter((write) => !canRead || write.member !== 'staging.get')
    errors.push(...(await Promise.all(calls.map(({ run }) => rejects(run(trial.context), ...codes[breakage])))))
  })
  return errors
}

function isCertain(errors: readonly SecretsError[]): boolean {
  return errors.every(({ effect }) => effect === undefined)
}

function staged(trial: Trial, path: string = trial.path(1)): Promise<StagedReceipt> {
  return member(trial, 'staging').put(path, { value: trial.value(2) }, trial.context)
}

const garbageRules = (suite: Suite): Rules => ({
  'failing: garbage is no answer to a write: it rejects, or has written': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await whileBroken(trial, 'garbage', trial.path(1), async () => {
      for (const { member: name, run } of writesOf(trial, trial.path(1), undefined)) await rejectsOrWrites(trial, name, run)
    })
    if (!suite.supports('staging')) return
    await trial.seed(trial.path(2), trial.value(2))
    const { put, promote } = member(trial, 'staging')
    const pending = await put(trial.path(2), { value: trial.value(3) }, trial.context)
    await whileBroken(trial, 'garbage', trial.path(2), async () => {
      const [settled] = await Promise.allSettled([promote(trial.path(2), pending, trial.context)])
      if (settled.status === 'rejected') assertRejected('staging.promote', settled, ...codes.garbage)
      else assert.equal(valueOf(await trial.get(trial.path(2))), trial.value(3), 'staging.promote resolved, and promoted nothing')
    })
  },
})

async function rejectsOrWrites(trial: Trial, name: string, run: (context: CallContext) => Promise<unknown>): Promise<void> {
  const [settled] = await Promise.allSettled([run(trial.context)])
  if (settled.status === 'rejected') return void assertRejected(name, settled, ...codes.garbage, 'DELETED')
  await assertWritten(trial, name)
}

/** Seen through a read while the store is broken: a damaged secret may be replaced. */
async function assertWritten({ provider, get, path, context }: Trial, name: string): Promise<void> {
  const message = `${name} resolved with garbage for an answer, and did nothing`
  if (name === 'put') assert.equal(valueOf(await get(path(1))), lostValue, message)
  if (name === 'tag') assert.equal((await provider.describe?.(path(1), context))?.tags?.['lost'] ?? 'yes', 'yes', message)
  if (name === 'staging.put') assert.equal(valueOf(await provider.staging?.get(path(1), context)), lostValue, message)
  if (name !== 'delete') return
  const [read] = await Promise.allSettled([get(path(1))])
  if (read.status === 'fulfilled') assert.equal(read.value, undefined, message)
  else assertRejected('get', read, 'DELETED')
}

const garbageListRules: Rules = {
  'failing: garbage is no empty list': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await whileBroken(trial, 'garbage', trial.path(1), async () => {
      const [settled] = await Promise.allSettled(listsOf(trial).map(({ run }) => run(trial.context)))
      if (settled?.status === 'rejected') assertRejected('list', settled, ...codes.garbage)
      else assert.deepEqual(settled?.value, [trial.path(1)], 'list resolved with garbage for an answer, and without the paths')
    })
  },
}

/** The codes of a write that was done and had no answer of the store. */
const unanswered: Readonly<Record<Unanswered, readonly SecretsErrorCode[]>> = {
  lost: ['UNAVAILABLE', 'DEADLINE_EXCEEDED'],
  garbled: codes.garbage,
}

const unansweredRules = (suite: Suite, breakage: Unanswered): Rules => ({
  [`failing: a write whose answer is ${breakage} has the effect 'unknown', or is found done`]: async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    const writes = writesOf(trial, path, undefined).filter(({ member: name }) => name !== 'staging.get')
    for (const write of [...writes, ...restoresOf(trial, path)]) await losesAnswer(trial, breakage, path, write)
    if (!suite.supports('staging')) return
    for (const [index, key] of (['promote', 'discard'] as const).entries()) {
      const at = trial.path(index + 2)
      const pending = await staged(trial, at)
      const run: MemberCall['run'] = (context) => member(trial, 'staging')[key](at, pending, context)
      await losesAnswer(trial, breakage, at, { member: `staging.${key}`, run })
    }
  },
})

async function losesAnswer(trial: Trial, breakage: Unanswered, path: string, { member: name, run }: MemberCall): Promise<void> {
  await whileBroken(trial, breakage, path, async () => {
    const [settled] = await Promise.allSettled([run(trial.context)])
    if (settled.status === 'fulfilled') return
    const error = assertRejected(name, settled, ...unanswered[breakage])
    assert.ok(error.effect !== undefined, `the answer to ${name} was ${breakage}, and it rejected without \`effect: 'unknown'\``)
  })
}
