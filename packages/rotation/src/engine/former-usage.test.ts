import { createSecretsManager, type SharedUsage } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { settledFleet } from '../testing/fleet.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'
import { rotationStatus } from './rotation-status.ts'

const start = Date.UTC(2026, 0, 1)
const minuteMs = 60_000

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('a forced retirement', () => {
  test('excuses no mark that was made after it had looked', async () => {
    const made = await settledFleet()
    const far = new FarSide(2)
    far.passwords = ['the second']
    const user = made.member('user')
    await user.take()
    const options = { target: far.target, graceSeconds: 0, whenUnused: true }
    await rotate(made.rotator, 'db', { ...options, generate: () => 'the third' })
    const shared = made.cache.anotherProcess()
    const excuse: SharedUsage['excuse'] = async (...args) => {
      await user.take() // refused with the second value, it takes the third
      return shared.usage.excuse(...args)
    }
    const cache = { shared: { ...shared, usage: { ...shared.usage, excuse } } }
    const slow = createSecretsManager({ providers: [made.store], cache })
    expect(await retirePrevious(slow, 'db', { ...options, force: true })).toEqual({ outcome: 'retired' })
    await pass(minuteMs)
    await rotate(made.rotator, 'db', { ...options, generate: () => 'the fourth' })
    const users = [{ actor: 'user', uses: [{ version: 3 }] }]
    expect(await rotationStatus(made.rotator, 'db', { target: far.target })).toMatchObject({ verdict: 'inUse', users })
    expect(await retirePrevious(made.rotator, 'db', options)).toMatchObject({ outcome: 'notSafe' })
    expect(far.passwords).toEqual(['the third', 'the fourth'])
  })
})
