import { member, rejects, whileBroken, within, type Suite } from './trial.ts'

/** It says whether it is well, and ends when told to. */
export function testClosing({ test, supports, canHappen }: Suite): void {
  if (supports('checkHealth')) {
    test('health: a store that can be reached is healthy', async (trial) => {
      await member(trial, 'checkHealth')(trial.context)
    })

    for (const [breakage, code] of [['unreachable', 'UNAVAILABLE'], ['unauthenticated', 'UNAUTHENTICATED']] as const) {
      if (!canHappen(breakage)) continue
      test(`health: a store that is ${breakage} is ${code}`, async (trial) => {
        await whileBroken(trial, breakage, trial.path(1), () => rejects(member(trial, 'checkHealth')(trial.context), code))
        await member(trial, 'checkHealth')(trial.context)
      })
    }
  }

  test('closing: may be done twice, and before any call', async ({ provider, context }) => {
    for (let times = 0; times < 2; times += 1) await within(5000, provider.close?.(context) ?? Promise.resolve(), '`close` hangs')
  })

  test('closing: after calls and while one is under way, it ends', async ({ provider, context, path, seed, value, get }) => {
    await seed(path(1), value(1))
    await get(path(1))
    const [underWay] = await Promise.allSettled([get(path(1)), within(5000, provider.close?.(context) ?? Promise.resolve(), '`close` hangs')])
    if (underWay.status === 'rejected') await rejects(Promise.reject(underWay.reason))
  })
}
