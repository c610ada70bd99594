import assert from 'node:assert/strict'
import type { WriteReceipt } from '@finchat/secrets-core'
import { member, register, rejects, withdraw, within, type Rules, type Suite, type Trial } from './trial.ts'
import { identityOf } from './writing.ts'

/** What tells a change without reading the value. */
export function testProbing(suite: Suite): void {
  if (suite.supports('probe')) {
    register(suite, identityRules(suite))
    if (suite.canHappen('withdrawn')) register(suite, withdrawnRules(suite))
  }
  if (suite.supports('changes')) register(suite, changesRules(suite))
}

const identityRules = ({ supports }: Suite): Rules => ({
  'probing: a missing secret is undefined': async (trial) => {
    await trial.seed(trial.path(2), trial.value(2))
    assert.equal(await probe(trial), undefined)
  },

  'probing: the identity is that of a read, and no two versions have the same one': async (trial) => {
    const seen: WriteReceipt[] = []
    // The value of the first version comes back in the third.
    for (const n of [1, 2, 1]) {
      await trial.seed(trial.path(1), trial.value(n))
      await assertChanged(trial, seen)
    }
    assert.deepEqual(await probe(trial), seen.at(-1), 'an unchanged secret keeps its identity')
  },

  ...(supports('put') && {
    'probing: a write changes the identity, also of the same value': async (trial) => {
      const seen: WriteReceipt[] = []
      for (const n of [1, 2, 2]) {
        await member(trial, 'put')(trial.path(1), { value: trial.value(n) }, trial.context)
        await assertChanged(trial, seen)
      }
    },
  }),

  ...(supports('staging') && {
    'probing: a promotion changes the identity, and staging does not': async (trial) => {
      await trial.seed(trial.path(1), trial.value(1))
      const seen: WriteReceipt[] = []
      await assertChanged(trial, seen)
      const pending = await member(trial, 'staging').put(trial.path(1), { value: trial.value(2) }, trial.context)
      assert.deepEqual(await probe(trial), seen.at(-1), 'a staged version is not current')
      await member(trial, 'staging').promote(trial.path(1), pending, trial.context)
      await assertChanged(trial, seen)
    },
  }),
})

const withdrawnRules = ({ supports }: Suite): Rules => ({
  'probing: a withdrawn secret rejects with DELETED, as a read does': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await probe(trial)
    await withdraw(trial, trial.path(1))
    await rejects(probe(trial), 'DELETED')
    if (!supports('restore') || !supports('delete')) return
    await member(trial, 'restore')(trial.path(1), trial.context)
    assert.deepEqual(await probe(trial), identityOf(await trial.get(trial.path(1))))
  },
})

const changesRules = ({ supports }: Suite): Rules => ({
  'changes: a write by other means calls back, with its path or without one': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await trial.get(trial.path(1))
    await hears(trial, () => trial.seed(trial.path(1), trial.value(2)))
  },

  ...(supports('put') && {
    'changes: a write by this provider calls back, with its path or without one': async (trial) => {
      await hears(trial, () => member(trial, 'put')(trial.path(1), { value: trial.value(1) }, trial.context))
    },
  }),

  ...(supports('delete') && deletionRules),

  'changes: each of two writes calls each of two listeners back': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await trial.get(trial.path(1))
    const first = hearing(trial)
    const second = hearing(trial)
    for (const n of [2, 3]) {
      await Promise.all([first.next(), second.next(), trial.seed(trial.path(1), trial.value(n))])
    }
    first.end()
    second.end()
  },

  'changes: a listener is not called after it ended, and the others are': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await trial.get(trial.path(1))
    let isEnded = false
    let called = 0
    const end = listen(trial, () => (called += isEnded ? 1 : 0))
    end()
    end()
    isEnded = true
    await hears(trial, () => trial.seed(trial.path(1), trial.value(2)))
    assert.equal(called, 0, 'a listener that had ended was called')
  },
})

const deletionRules: Rules = {
  'changes: a deletion by this provider calls back, with its path or without one': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await trial.get(trial.path(1))
    // With `purge`, which every store has.
    await hears(trial, () => member(trial, 'delete')(trial.path(1), { purge: true }, trial.context))
  },
}

/** For a store that is polled, on a loaded machine. */
const heardMs = 10_000

/** A listener is called for path 1, or for any path, once `change` has begun. */
async function hears(trial: Trial, change: () => Promise<unknown>): Promise<void> {
  const { next, end } = hearing(trial)
  try {
    await Promise.all([next(), change()])
  } finally {
    end()
  }
}

/** One listener. `next` resolves when it is called the next time. */
function hearing(trial: Trial): { readonly next: () => Promise<void>; readonly end: () => void } {
  let resolve = (): void => {}
  const end = listen(trial, (path) => {
    if (path === undefined || path === trial.path(1)) resolve()
  })
  const next = (): Promise<void> => {
    const heard = Promise.withResolvers<void>()
    resolve = heard.resolve
    return within(heardMs, heard.promise, 'a change called no listener back')
  }
  return { next, end }
}

function listen(trial: Trial, listener: (path?: string) => void): () => void {
  return member(trial, 'changes')(listener)
}

/** The identity is that of a read, and none of those seen before. */
async function assertChanged(trial: Trial, seen: WriteReceipt[]): Promise<void> {
  const identity = await probe(trial)
  assert.ok(identity?.version !== undefined || identity?.revision !== undefined, 'an identity has a version or a revision')
  assert.deepEqual(identity, identityOf(await trial.get(trial.path(1))), 'the identity must equal that of a read')
  for (const earlier of seen) assert.notDeepEqual(identity, earlier, 'a new version has the identity of an earlier one')
  seen.push(identity)
}

async function probe(trial: Trial): Promise<WriteReceipt | undefined> {
  return identityOf(await member(trial, 'probe')(trial.path(1), trial.context))
}
