import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecretProvider } from '@finchat/secrets-core'
import { assertCurrentBy } from './reading.ts'
import { assertValue, member, reads, register, rejects, type Rules, type Suite, type Trial } from './trial.ts'

/** A staged version is not current until it is promoted. */
export function testStaging(suite: Suite): void {
  if (!suite.supports('staging')) return
  register(suite, stagedRules(suite))
  register(suite, promotionRules(suite))
}

const stagedRules = ({ supports }: Suite): Rules => ({
  'staging: a staged version is read as staged and is not current': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    assert.equal(await staged(trial), undefined)
    const pending = await stage(trial, 2)
    assertValue(await staged(trial), trial.value(2))
    assert.equal((await staged(trial))?.version, pending.version)
    await reads(trial, trial.path(1), trial.value(1))
  },

  'staging: a staged version alone creates no secret': async (trial) => {
    await stage(trial, 1)
    await reads(trial, trial.path(1), undefined)
  },

  'staging: a discarded version is gone and cannot be promoted': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    await member(trial, 'staging').discard(trial.path(1), pending, trial.context)
    assert.equal(await staged(trial), undefined)
    await rejects(promote(trial, pending), 'VERSION_CONFLICT')
    await reads(trial, trial.path(1), trial.value(1))
    if (supports('put') && pending.version !== undefined) {
      const { version = 0 } = await member(trial, 'put')(trial.path(1), { value: trial.value(3) }, trial.context)
      assert.ok(version > pending.version, 'the number of a discarded version was used again')
    }
  },
})

const promotionRules = ({ supports }: Suite): Rules => ({
  'staging: a promoted version is current, and the former one is previous': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const pending = await stage(trial, 2)
    await sleep(20)
    const receipt = await promote(trial, pending)
    await assertCurrentBy(Date.now(), trial)
    const current = await trial.get(trial.path(1))
    assertValue(current, trial.value(2))
    assert.deepEqual(
      [receipt.version, receipt.revision],
      [current?.version, current?.revision],
      'the receipt must equal what a read returns',
    )
    assert.equal(await staged(trial), undefined, 'a promoted version must not be staged any more')
    if (supports('getVersion')) assertValue(await member(trial, 'getVersion')(trial.path(1), 'previous', trial.context), trial.value(1))
  },

  ...(supports('put') && {
    'staging: promoting a version that was staged before another write is a conflict': async (trial) => {
      await trial.seed(trial.path(1), trial.value(1))
      const pending = await stage(trial, 2)
      await member(trial, 'put')(trial.path(1), { value: trial.value(3) }, trial.context)
      await rejects(promote(trial, pending), 'VERSION_CONFLICT')
      await reads(trial, trial.path(1), trial.value(3))
    },
  }),
})

type Staging = NonNullable<SecretProvider['staging']>

function stage(trial: Trial, n: number): ReturnType<Staging['put']> {
  return member(trial, 'staging').put(trial.path(1), { value: trial.value(n) }, trial.context)
}

function staged(trial: Trial): ReturnType<Staging['get']> {
  return member(trial, 'staging').get(trial.path(1), trial.context)
}

function promote(trial: Trial, pending: Parameters<Staging['promote']>[1]): ReturnType<Staging['promote']> {
  return member(trial, 'staging').promote(trial.path(1), pending, trial.context)
}
