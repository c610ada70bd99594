import assert from 'node:assert/strict'
import type { StagedReceipt, WriteReceipt } from '@finchat/secrets-core'
import { assertValue, member, reads, refusesBefore, register, rejects, type Rules, type Suite, type Trial } from './trial.ts'
import { identityOf } from './writing.ts'

/** What a staged version tells, and what a call repeated after a lost answer resolves to. */
export function testRepeats(suite: Suite): void {
  if (!suite.supports('staging')) return
  register(suite, toldRules)
  register(suite, repeatedPutRules)
  if (suite.supports('tag', 'describe')) register(suite, repeatedTagsRules)
  register(suite, repeatedPromotionRules)
  register(suite, repeatedDiscardRules)
}

const note = { by: 'rotator-1', plan: 'monthly' }

const toldRules: Rules = {
  'staging: a staged version tells its attempt, its time and its note': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const begunAt = Date.now()
    const receipt = await stage(trial, 2)
    const pending = await staged(trial)
    assert.ok(isAttempt(receipt.attempt), 'the receipt has an attempt, a positive integer')
    assert.equal(pending?.attempt, receipt.attempt, 'the staged version has the attempt of its receipt')
    const { stagedAt = Number.NaN } = pending ?? {}
    assert.ok(Math.abs(stagedAt - begunAt) < clockToleranceMs, '`stagedAt` is when it was staged, in epoch milliseconds')
    assert.deepEqual({ ...pending?.note }, note, 'the note is exactly what was given')
  },

  'staging: a version without a note has none, and a note is no tag': async (trial) => {
    await member(trial, 'staging').put(trial.path(1), { value: trial.value(1) }, trial.context)
    assert.equal((await staged(trial))?.note, undefined)
    await discard(trial, await stagedReceipt(trial))
    await promote(trial, await stage(trial, 2))
    const described = await trial.provider.describe?.(trial.path(1), trial.context)
    for (const key of Object.keys(note)) assert.ok(!Object.keys(described?.tags ?? {}).includes(key), 'the note became a tag')
  },

  'staging: every attempt is above all before it, discarded and promoted ones too': async (trial) => {
    const first = await stage(trial, 1)
    await discard(trial, first)
    const second = await stage(trial, 2)
    await promote(trial, second)
    const third = await stage(trial, 3)
    await discard(trial, third)
    const attempts = [first, second, third, await stage(trial, 3)].map(({ attempt = 0 }) => attempt)
    assert.ok(
      attempts.every((attempt, index) => isAttempt(attempt) && attempt > (attempts[index - 1] ?? 0)),
      `the attempts are ${attempts.join(', ')}`,
    )
  },

  'staging: a note that is too long, or no object of texts, is refused before any call': async (trial) => {
    for (const wrong of [{ by: 'x'.repeat(1_025) }, { by: 7 }, { by: { name: 'x' } }, ['x'], 'x']) {
      const secret = { value: trial.value(1), note: wrong as never } // also what the type forbids
      await refusesBefore(trial, () => member(trial, 'staging').put(trial.path(1), secret, trial.context))
    }
    assert.equal(await staged(trial), undefined)
  },
}

const repeatedPutRules: Rules = {
  'staging: the same value and note again resolve to the first receipt': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const first = await stage(trial, 2)
    assert.deepEqual(partsOf(await stage(trial, 2)), partsOf(first))
    assert.deepEqual(partsOf(await stagedReceipt(trial)), partsOf(first))
    await reads(trial, trial.path(1), trial.value(1))
  },

  'staging: another value or note over a staged version is a conflict': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const first = await stage(trial, 2)
    await rejects(stage(trial, 3), 'VERSION_CONFLICT')
    const { put } = member(trial, 'staging')
    await rejects(put(trial.path(1), { value: trial.value(2), note: { ...note, by: 'rotator-2' } }, trial.context), 'VERSION_CONFLICT')
    await rejects(put(trial.path(1), { value: trial.value(2) }, trial.context), 'VERSION_CONFLICT')
    assertValue(await staged(trial), trial.value(2))
    assert.deepEqual(partsOf(await stagedReceipt(trial)), partsOf(first))
  },
}

const repeatedTagsRules: Rules = {
  'staging: the same value and note again with other tags stage no other version, and lose no tag': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const { put } = member(trial, 'staging')
    const secret = { value: trial.value(2), note }
    const first = await put(trial.path(1), { ...secret, tags: { team: 'pay', owner: 'ops' } }, trial.context)
    const again = put(trial.path(1), { ...secret, tags: { team: 'core' } }, trial.context)
    const [settled] = await Promise.allSettled([again])
    if (settled.status === 'fulfilled') assert.deepEqual(partsOf(settled.value), partsOf(first))
    else await rejects(again, 'VERSION_CONFLICT')
    assert.deepEqual(partsOf(await stagedReceipt(trial)), partsOf(first))
    await promote(trial, first)
    const { tags = {} } = (await member(trial, 'describe')(trial.path(1), trial.context)) ?? {}
    assert.equal(tags['owner'], 'ops', 'a tag of the first call is lost')
    assert.ok(['pay', 'core'].includes(tags['team'] ?? ''), 'the tag of both calls is of neither')
  },
}

const repeatedPromotionRules: Rules = {
  'staging: a repeated promotion resolves to the first receipt while the version is current': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    const first = await promote(trial, pending)
    assert.deepEqual(identityOf(await promote(trial, pending)), identityOf(first))
    await stage(trial, 3)
    assert.deepEqual(identityOf(await promote(trial, pending)), identityOf(first), 'a later staged version changes nothing')
    assertValue(await staged(trial), trial.value(3))
    await reads(trial, trial.path(1), trial.value(2))
  },

  'staging: promoting a version again after a newer one became current is a conflict': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    await promote(trial, pending)
    await promote(trial, await stage(trial, 3))
    await rejects(promote(trial, pending), 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(3))
  },

  'staging: two concurrent promotions of one version resolve alike': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    const [one, other] = await Promise.all([promote(trial, pending), promote(trial, pending)])
    assert.deepEqual(identityOf(one), identityOf(other))
    assert.deepEqual(identityOf(await trial.get(trial.path(1))), identityOf(one))
    await reads(trial, trial.path(1), trial.value(2))
  },
}

const repeatedDiscardRules: Rules = {
  'staging: a repeated discard resolves, and withdraws no later version': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    await discard(trial, pending)
    await discard(trial, pending)
    await stage(trial, 3)
    await discard(trial, pending)
    assertValue(await staged(trial), trial.value(3))
  },

  'staging: discarding a promoted version is a conflict': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    await promote(trial, pending)
    await rejects(discard(trial, pending), 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(2))
  },
}

/** The store's clock may be another machine's. */
const clockToleranceMs = 300_000

function isAttempt(attempt: number | undefined): boolean {
  return Number.isSafeInteger(attempt) && Number(attempt) > 0
}

function stage(trial: Trial, n: number): Promise<StagedReceipt> {
  return member(trial, 'staging').put(trial.path(1), { value: trial.value(n), note }, trial.context)
}

function staged(trial: Trial): ReturnType<ReturnType<typeof member<'staging'>>['get']> {
  return member(trial, 'staging').get(trial.path(1), trial.context)
}

async function stagedReceipt(trial: Trial): Promise<StagedReceipt> {
  const pending = await staged(trial)
  assert.ok(pending, 'a version is staged')
  return pending
}

function promote(trial: Trial, pending: WriteReceipt): Promise<WriteReceipt> {
  return member(trial, 'staging').promote(trial.path(1), pending, trial.context)
}

function discard(trial: Trial, pending: WriteReceipt): Promise<void> {
  return member(trial, 'staging').discard(trial.path(1), pending, trial.context)
}

function partsOf(receipt: StagedReceipt): StagedReceipt {
  return { ...identityOf(receipt), attempt: receipt.attempt }
}
