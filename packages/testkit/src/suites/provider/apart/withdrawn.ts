import assert from 'node:assert/strict'
import { listsOf } from '../member-calls.ts'
import { assertRejected, canUndo, member, reads, register, rejects, withdraw, type Rules, type Suite, type Trial } from '../trial.ts'
import { identityOf } from '../writing.ts'

/** What each member does to a secret that was deleted and can be restored, and to a live one. */
export function testWithdrawn(suite: Suite): void {
  if (suite.canHappen('withdrawn')) register(suite, withdrawnRules(suite))
  if (suite.canHappen('withdrawn')) register(suite, againRules(suite))
  if (suite.supports('restore')) register(suite, liveRules)
}

const withdrawnRules = ({ supports }: Suite): Rules => ({
  ...(supports('list') && {
    'withdrawn: a list has the others, and has it once or not at all': async (trial) => {
      await seedTwo(trial)
      const [listed] = await Promise.all(listsOf(trial).map(({ run }) => run(trial.context)))
      const others = (listed as readonly string[]).toSorted() // the paths of a list
      const allowed = [[trial.path(2)], [trial.path(1), trial.path(2)].toSorted()]
      assert.ok(
        allowed.some((paths) => paths.join('\n') === others.join('\n')),
        'list lost or doubled a path beside a withdrawn one',
      )
    },
  }),

  ...(supports('tag') && {
    'withdrawn: tags do not make it live': async (trial) => {
      await seedTwo(trial)
      const [tagged] = await Promise.allSettled([member(trial, 'tag')(trial.path(1), { team: 'pay' }, trial.context)])
      if (tagged.status === 'rejected') assertRejected('tag', tagged, 'DELETED')
      await rejects(trial.get(trial.path(1)), 'DELETED')
    },
  }),

  ...(supports('put') && {
    'withdrawn: a write makes it live, or rejects with DELETED and changes nothing': async (trial) => {
      await seedTwo(trial)
      const [written] = await Promise.allSettled([
        member(trial, 'put')(trial.path(1), { value: trial.value(3), ifCurrent: null }, trial.context),
      ])
      if (written.status === 'fulfilled') return reads(trial, trial.path(1), trial.value(3))
      assertRejected('put', written, 'DELETED', 'UNSUPPORTED')
      await rejects(trial.get(trial.path(1)), 'DELETED')
    },
  }),
})

const againRules = ({ supports }: Suite): Rules => ({
  ...(supports('delete') && {
    'withdrawn: another delete resolves, and it stays withdrawn': async (trial) => {
      if (!(await canUndo(trial))) return
      await seedTwo(trial)
      await member(trial, 'delete')(trial.path(1), { purge: false }, trial.context)
      await rejects(trial.get(trial.path(1)), 'DELETED')
      await reads(trial, trial.path(2), trial.value(2))
    },
  }),

  ...(supports('staging') && {
    'withdrawn: what was staged cannot be promoted': async (trial) => {
      await trial.seed(trial.path(1), trial.value(1))
      const { put, promote } = member(trial, 'staging')
      const pending = await put(trial.path(1), { value: trial.value(2) }, trial.context)
      await withdraw(trial, trial.path(1))
      await rejects(promote(trial.path(1), pending, trial.context), 'VERSION_CONFLICT', 'DELETED')
      await rejects(trial.get(trial.path(1)), 'DELETED')
    },
  }),
})

async function seedTwo(trial: Trial): Promise<void> {
  for (const n of [1, 2]) await trial.seed(trial.path(n), trial.value(n))
  await withdraw(trial, trial.path(1))
}

const liveRules: Rules = {
  'restoring: a live secret stays as it is': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    const before = identityOf(await trial.get(trial.path(1)))
    await member(trial, 'restore')(trial.path(1), trial.context)
    assert.deepEqual(identityOf(await trial.get(trial.path(1))), before, 'restore changed a live secret')
    await reads(trial, trial.path(1), trial.value(2))
  },
}
