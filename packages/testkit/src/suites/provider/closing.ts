import assert from 'node:assert/strict'
import { member, rejects, whileBroken, within, type Suite, type Trial } from './trial.ts'

/** Long enough for a loaded machine. */
const patienceMs = 5_000

/** It says whether it is well, and ends when told to. */
export function testClosing({ test, supports, canHappen }: Suite): void {
  if (supports('checkHealth')) {
    test('health: a store that can be reached is healthy', async (trial) => {
      await member(trial, 'checkHealth')(trial.context)
    })

    for (const [breakage, code] of [
      ['unreachable', 'UNAVAILABLE'],
      ['unauthenticated', 'UNAUTHENTICATED'],
    ] as const) {
      if (!canHappen(breakage)) continue
      test(`health: a store that is ${breakage} is ${code}`, async (trial) => {
        await whileBroken(trial, breakage, trial.path(1), () => rejects(member(trial, 'checkHealth')(trial.context), code))
        await member(trial, 'checkHealth')(trial.context)
      })
    }
  }

  test('closing: may be done twice, and before any call', async (trial) => {
    for (let times = 0; times < 2; times += 1) await closes(trial)
  })

  test('closing: after calls and while one is under way, it ends', async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await trial.get(trial.path(1))
    const [underWay, closing] = await Promise.allSettled([trial.get(trial.path(1)), closes(trial)])
    assert.equal(closing.status, 'fulfilled', '`close` rejects')
    if (underWay.status === 'rejected') await rejects(Promise.reject(underWay.reason))
  })
}

async function closes({ provider, context }: Trial): Promise<void> {
  await within(patienceMs, provider.close?.(context) ?? Promise.resolve(), '`close` hangs')
}
