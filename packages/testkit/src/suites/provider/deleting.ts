import assert from 'node:assert/strict'
import { assertRejected, assertValue, canUndo, member, reads, register, rejects, type Rules, type Suite, type Trial } from './trial.ts'
import { identityOf } from './writing.ts'

/** Delete, purge and restore affect all versions of one secret. */
export function testDeleting(suite: Suite): void {
  if (!suite.supports('delete')) return
  for (const purge of [false, true]) register(suite, withdrawRules(suite, purge))
  register(suite, deleteRules)
  if (suite.supports('restore')) register(suite, restoreRules(suite))
}

const deleteRules: Rules = {
  'deleting: a withdrawn secret can be purged': async (trial) => {
    if (!(await canUndo(trial))) return
    await trial.seed(trial.path(1), trial.value(1))
    await trial.seed(trial.path(2), trial.value(9))
    await remove(trial, false)
    await remove(trial, true)
    await assertGone(trial, (path) => trial.get(path), true)
    await reads(trial, trial.path(2), trial.value(9))
  },

  'deleting: deleting a missing secret does nothing, or rejects with NOT_FOUND': async (trial) => {
    const [settled] = await Promise.allSettled([remove(trial, !(await canUndo(trial)))])
    if (settled.status === 'rejected') assertRejected('delete', settled, 'NOT_FOUND')
    await reads(trial, trial.path(1), undefined)
  },
}

const withdrawRules = ({ supports }: Suite, purge: boolean): Rules => ({
  [`deleting: ${purge ? 'a purge' : 'a delete'} withdraws every version of the path, and no other path`]: async (trial) => {
    if (!purge && !(await canUndo(trial))) return
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    await trial.seed(trial.path(2), trial.value(9))
    const version = (await trial.get(trial.path(1)))?.version
    const { restorableUntil } = await remove(trial, purge)
    assert.ok(restorableUntil === undefined || restorableUntil > Date.now(), '`restorableUntil` is in the future')
    await assertGone(trial, (path) => trial.get(path), purge)
    if (supports('getVersion')) {
      for (const asked of ['previous', ...(version === undefined ? [] : [version])] as const) {
        await assertGone(trial, (path) => member(trial, 'getVersion')(path, asked, trial.context), purge)
      }
    }
    await reads(trial, trial.path(2), trial.value(9))
  },
})

const restoreRules = ({ supports }: Suite): Rules => ({
  'restoring: a restored secret has its former values and versions': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    const before = await trial.get(trial.path(1))
    await remove(trial, false)
    await restore(trial)
    const after = await trial.get(trial.path(1))
    assertValue(after, trial.value(2))
    assert.deepEqual(identityOf(after), identityOf(before))
    if (supports('getVersion')) assertValue(await member(trial, 'getVersion')(trial.path(1), 'previous', trial.context), trial.value(1))
  },

  ...(supports('describe') &&
    supports('tag') && {
      'restoring: a restored secret has its former tags': async (trial) => {
        await trial.seed(trial.path(1), trial.value(1))
        await member(trial, 'tag')(trial.path(1), { team: 'pay' }, trial.context)
        await remove(trial, false)
        await restore(trial)
        const { tags } = (await member(trial, 'describe')(trial.path(1), trial.context)) ?? {}
        assert.deepEqual({ ...tags }, { team: 'pay' })
      },
    }),

  'restoring: a purged or missing secret cannot be restored': async (trial) => {
    await rejects(restore(trial), 'NOT_FOUND')
    await trial.seed(trial.path(1), trial.value(1))
    await remove(trial, true)
    await rejects(restore(trial), 'NOT_FOUND', 'DELETED')
    await assertGone(trial, (path) => trial.get(path), true)
  },
})

/** DELETED; `undefined` too if the store may have forgotten the secret. Never a value. */
async function assertGone(trial: Trial, read: Trial['get'], mayBeForgotten: boolean): Promise<void> {
  const [settled] = await Promise.allSettled([read(trial.path(1))])
  if (mayBeForgotten && settled.status === 'fulfilled') assert.equal(settled.value, undefined, 'a withdrawn secret was returned')
  else assertRejected('a read', settled, 'DELETED')
}

function remove(trial: Trial, purge: boolean): Promise<{ readonly restorableUntil?: number | undefined }> {
  return member(trial, 'delete')(trial.path(1), { purge }, trial.context)
}

function restore(trial: Trial): Promise<void> {
  return member(trial, 'restore')(trial.path(1), trial.context)
}
