import assert from 'node:assert/strict'
import type { SecretsErrorCode } from '@finchat/secrets-core'
import type { Breakage } from './harness.ts'
import { listsOf, readsOf } from './member-calls.ts'
import { assertRejected, member, register, rejects, whileBroken, within, type Rules, type Suite, type Trial } from './trial.ts'

const timeoutMs = 5_000

/** Health checks and `close`. */
export function testClosing(suite: Suite): void {
  if (suite.supports('checkHealth')) register(suite, healthRules(suite))
  register(suite, closeRules)
}

const healthRules = (suite: Suite): Rules => ({
  'health: a reachable store is healthy': async (trial) => {
    await member(trial, 'checkHealth')(trial.context)
  },

  'health: a check reads and writes no secret': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await assertNoSecretAsked(suite, trial)
  },

  ...(suite.canHappen('unreachable') && unhealthyRule('unreachable', 'UNAVAILABLE')),

  ...(suite.canHappen('unauthenticated') && unhealthyRule('unauthenticated', 'UNAUTHENTICATED')),
})

async function assertNoSecretAsked(suite: Suite, trial: Trial): Promise<void> {
  const before = await answers(suite, trial)
  const count = trial.harness.secretRequests?.()
  await member(trial, 'checkHealth')(trial.context)
  assert.equal(trial.harness.secretRequests?.(), count, 'checkHealth read or wrote a secret; it must need access to none')
  assert.deepEqual(await answers(suite, trial), before, 'checkHealth changed a secret')
}

async function answers(suite: Suite, trial: Trial): Promise<readonly unknown[]> {
  const calls = [...readsOf(suite, trial, trial.path(1)), ...listsOf(trial)]
  return Promise.all(calls.map(({ run }) => run(trial.context)))
}

const unhealthyRule = (breakage: Breakage, code: SecretsErrorCode): Rules => ({
  [`health: ${breakage} rejects with ${code}`]: async (trial) => {
    await whileBroken(trial, breakage, trial.path(1), () => rejects(member(trial, 'checkHealth')(trial.context), code))
    await member(trial, 'checkHealth')(trial.context)
  },
})

const closeRules: Rules = {
  'closing: `close` may be called twice, and before any call': async (trial) => {
    for (let times = 0; times < 2; times += 1) await closes(trial)
  },

  'closing: `close` ends after calls and during one': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await trial.get(trial.path(1))
    const [underWay, closing] = await Promise.allSettled([trial.get(trial.path(1)), closes(trial)])
    assert.equal(closing.status, 'fulfilled', '`close` rejects')
    if (underWay.status === 'rejected') assertRejected('get', underWay)
  },
}

async function closes({ provider, context }: Trial): Promise<void> {
  await within(timeoutMs, provider.close?.(context) ?? Promise.resolve(), '`close` hangs')
}
