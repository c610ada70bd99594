import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext, SecretsErrorCode } from '@finchat/secrets-core'
import type { Breakage } from './harness.ts'
import {
  canary,
  member,
  reads,
  register,
  rejects,
  valueOf,
  whileBroken,
  withdraw,
  within,
  type Rules,
  type Suite,
  type Trial,
} from './trial.ts'

/** The codes for each breakage. Garbage has several: it has no known meaning. */
const codes: Record<Exclude<Breakage, 'hung'>, readonly SecretsErrorCode[]> = {
  denied: ['PERMISSION_DENIED'],
  unauthenticated: ['UNAUTHENTICATED'],
  unreachable: ['UNAVAILABLE'],
  throttled: ['RATE_LIMITED'],
  garbage: ['INTEGRITY', 'INTERNAL', 'UNAVAILABLE', 'CONFIGURATION'],
}

/** For an aborted call on a loaded machine; below the deadlines of the providers themselves. */
const abortMs = 3_000

/** A failure of the store is an error with the right code: never absence, never a value. */
export function testFailing(suite: Suite): void {
  for (const breakage of ['denied', 'unauthenticated', 'unreachable', 'throttled', 'garbage'] as const) {
    if (suite.canHappen(breakage)) testBreakage(suite, breakage)
  }
  if (suite.canHappen('hung')) register(suite, hungRules(suite))
  if (suite.canHappen('withdrawn')) register(suite, withdrawnRules)
  if (suite.canHappen('unreachable')) register(suite, unreachableRules(suite))
}

function testBreakage({ test }: Suite, breakage: Exclude<Breakage, 'hung'>): void {
  test(`failing: ${breakage} rejects with ${codes[breakage].join(' or ')}, until the store is repaired`, async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    await whileBroken(trial, breakage, path, async () => {
      // A damaged secret may still be described and probed: that takes no value.
      for (const read of readsOf(trial, path, breakage !== 'garbage')) await rejects(read(trial.context), ...codes[breakage])
    })
    await reads(trial, path, trial.value(1))
  })

  if (breakage === 'garbage') return // a missing secret cannot be damaged
  test(`failing: ${breakage} never reads as a missing secret`, async (trial) => {
    await whileBroken(trial, breakage, trial.path(1), async () => {
      for (const read of readsOf(trial, trial.path(1))) await rejects(read(trial.context), ...codes[breakage])
    })
    await reads(trial, trial.path(1), undefined)
  })
}

type Read = (context: CallContext) => Promise<unknown>

/** Every method of the provider that reads this path. */
function readsOf({ provider }: Trial, path: string, described = true): readonly Read[] {
  const { get, getVersion, getMany, describe, probe } = provider
  return [
    (context) => get(path, context),
    ...(getVersion
      ? [(context: CallContext) => getVersion(path, 1, context), (context: CallContext) => getVersion(path, 'previous', context)]
      : []),
    ...(getMany ? [async (context: CallContext) => unsettled((await getMany([path], context))[0])] : []),
    ...(describe && described ? [(context: CallContext) => describe(path, context)] : []),
    ...(probe && described ? [(context: CallContext) => probe(path, context)] : []),
  ]
}

function unsettled(result: PromiseSettledResult<unknown> | undefined): unknown {
  assert.ok(result, '`getMany` answers every path')
  if (result.status === 'rejected') throw result.reason
  return result.value
}

const hungRules = ({ supports }: Suite): Rules => ({
  'failing: a read from a store that hangs ends when its signal is aborted': async (trial) => {
    const path = trial.path(1)
    await trial.seed(path, trial.value(1))
    await whileBroken(trial, 'hung', path, async () => {
      for (const read of readsOf(trial, path)) await assertEndsWhenAborted(read)
    })
    await reads(trial, path, trial.value(1))
  },

  ...(supports('put') && {
    'failing: a write to a store that hangs ends when its signal is aborted': async (trial) => {
      const path = trial.path(1)
      await trial.seed(path, trial.value(1))
      await whileBroken(trial, 'hung', path, () =>
        assertEndsWhenAborted((context) => member(trial, 'put')(path, { value: trial.value(2) }, context)),
      )
      const after = valueOf(await trial.get(path))
      assert.ok(after === trial.value(1) || after === trial.value(2), 'an aborted write must leave the old value or the new one')
    },
  }),

  'failing: an aborted call does not keep the provider from closing': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await whileBroken(trial, 'hung', trial.path(1), async () => {
      await assertEndsWhenAborted((context) => trial.provider.get(trial.path(1), context))
      const closed = trial.provider.close?.(trial.context) ?? Promise.resolve()
      await within(2 * abortMs, closed, '`close` hangs after an aborted call')
    })
  },
})

async function assertEndsWhenAborted(read: Read): Promise<void> {
  const controller = new AbortController()
  const call = read({ signal: controller.signal })
  const early = await Promise.race([
    call.then(
      () => 'resolves',
      () => 'rejects',
    ),
    sleep(50, 'waits'),
  ])
  assert.equal(early, 'waits', `the store hangs, yet the call ${early}`)
  controller.abort()
  await within(abortMs, rejects(call), 'an aborted call does not end')
}

const withdrawnRules: Rules = {
  'failing: a withdrawn secret rejects with DELETED, and a missing one is undefined': async (trial) => {
    const [path, missing] = [trial.path(1), trial.path(2)]
    await trial.seed(path, trial.value(1))
    await withdraw(trial, path)
    const [get, ...others] = readsOf(trial, path)
    assert.ok(get)
    await rejects(get(trial.context), 'DELETED')
    for (const read of others) await assertNoValue(read(trial.context))
    for (const read of readsOf(trial, missing)) assert.equal(await read(trial.context), undefined)
  },
}

/** `previous` of a single version is absent, withdrawn or not; every other read is DELETED. */
async function assertNoValue(read: Promise<unknown>): Promise<void> {
  const [settled] = await Promise.allSettled([read])
  if (settled.status === 'rejected') await rejects(Promise.reject(settled.reason), 'DELETED')
  else assert.equal(settled.value, undefined, 'a withdrawn secret was returned')
}

const unreachableRules = ({ supports }: Suite): Rules => ({
  ...(supports('list') && {
    'failing: a list from an unreachable store rejects': async (trial) => {
      const list = member(trial, 'list')
      const all = async (): Promise<void> => {
        for await (const { path } of list('', trial.context)) assert.ok(path)
      }
      await whileBroken(trial, 'unreachable', trial.path(1), () => rejects(all(), 'UNAVAILABLE'))
    },
  }),

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
