import assert from 'node:assert/strict'
import type { StagedReceipt, WriteReceipt } from '@finchat/secrets-core'
import { readsOf, listsOf } from '../member-calls.ts'
import { assertRejected, assertValue, member, reads, register, rejects, type Rules, type Suite, type Trial } from '../trial.ts'
import { identityOf } from '../writing.ts'

/** What is staged stays apart from what is current. */
export function testStagedApart(suite: Suite): void {
  if (!suite.supports('staging')) return
  register(suite, apartRules(suite))
  register(suite, receiptRules)
  register(suite, tagsRules(suite))
}

const apartRules = (suite: Suite): Rules => ({
  'staging: no other member answers a staged version': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    const before = await answers(suite, trial)
    const pending = await stage(trial, 3)
    assert.deepEqual(await answers(suite, trial), before, 'a staged version changed the answer of another member')
    await assertNoNumber(suite, trial, pending)
    await member(trial, 'staging').discard(trial.path(1), pending, trial.context)
    assert.deepEqual(await answers(suite, trial), before, 'a discarded version changed the answer of another member')
    await assertNoNumber(suite, trial, pending)
  },

  'staging: a version that is staged for a missing secret is no secret, and no path of a list': async (trial) => {
    await trial.seed(trial.path(2), trial.value(2))
    const pending = await stage(trial, 1)
    for (const { member: name, run } of readsOf(suite, trial, trial.path(1)))
      assert.equal(await run(trial.context), undefined, `${name} answered a version that is only staged`)
    for (const { run } of listsOf(trial)) assert.deepEqual(await run(trial.context), [trial.path(2)])
    await assertNoNumber(suite, trial, pending)
  },
})

/** What every read and a list answer, without order. */
async function answers(suite: Suite, trial: Trial): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for (const { member: name, run } of [...readsOf(suite, trial, trial.path(1)), ...listsOf(trial)])
    all.push([name, await run(trial.context)])
  return all
}

async function assertNoNumber({ manifest }: Suite, trial: Trial, { version }: StagedReceipt): Promise<void> {
  if (manifest.numbering === undefined || version === undefined) return
  const [settled] = await Promise.allSettled([trial.provider.getVersion?.(trial.path(1), version, trial.context)])
  if (settled.status === 'rejected') assertRejected('getVersion', settled, 'DELETED')
  else assert.equal(settled.value, undefined, 'getVersion answered a version that is only staged, or discarded')
}

const receiptRules: Rules = {
  'staging: a receipt of another version promotes and discards nothing': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    for (const other of othersThan(pending)) {
      const { promote, discard } = member(trial, 'staging')
      await rejects(promote(trial.path(1), other, trial.context), 'VERSION_CONFLICT', 'INVALID_ARGUMENT')
      const [discarded] = await Promise.allSettled([discard(trial.path(1), other, trial.context)])
      if (discarded.status === 'rejected') assertRejected('staging.discard', discarded, 'VERSION_CONFLICT', 'INVALID_ARGUMENT')
      const waiting = await member(trial, 'staging').get(trial.path(1), trial.context)
      assert.deepEqual(identityOf(waiting), identityOf(pending), 'staging.discard withdrew a version that its receipt does not name')
    }
    await reads(trial, trial.path(1), trial.value(1))
  },

  'staging: a promotion at another path is a conflict': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(n), trial.value(n))
    const pending = await stage(trial, 3)
    const elsewhere = { ...pending, revision: pending.revision === undefined ? undefined : `${pending.revision}-other` }
    await rejects(member(trial, 'staging').promote(trial.path(2), elsewhere, trial.context), 'VERSION_CONFLICT', 'INVALID_ARGUMENT')
    for (const n of [1, 2]) await reads(trial, trial.path(n), trial.value(n))
  },
}

/** Receipts that name no version, or another one. */
function othersThan({ version, revision }: StagedReceipt): readonly WriteReceipt[] {
  return [
    {},
    ...(version === undefined ? [] : [{ version: version + 1 }, { version: version + 2 ** 32 }, { version: version + 1, revision }]),
    ...(revision === undefined ? [] : [{ revision: `${revision}-other` }, { version, revision: `${revision}-other` }]),
  ]
}

const tagsRules = ({ supports }: Suite): Rules => ({
  ...(supports('describe') && {
    'staging: tags of a promoted version are set, and the others kept': async (trial) => {
      const { put, promote } = member(trial, 'staging')
      await trial.seed(trial.path(1), trial.value(1))
      await trial.provider.tag?.(trial.path(1), { team: 'pay' }, trial.context)
      const pending = await put(trial.path(1), { value: trial.value(2), tags: { owner: 'ops' } }, trial.context)
      await promote(trial.path(1), pending, trial.context)
      const { tags } = (await member(trial, 'describe')(trial.path(1), trial.context)) ?? {}
      assert.deepEqual({ ...tags }, supports('tag') ? { owner: 'ops', team: 'pay' } : { owner: 'ops' })
      assertValue(await trial.get(trial.path(1)), trial.value(2))
    },
  }),
})

function stage(trial: Trial, n: number): Promise<StagedReceipt> {
  return member(trial, 'staging').put(trial.path(1), { value: trial.value(n) }, trial.context)
}
