import { type SecretProvider, SecretsError } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, optionsOf, provider, secretsOver, withMembers } from '../testing/rotations.ts'
import { retirePrevious } from './retire-previous.ts'
import { rotate } from './rotate.ts'

const start = Date.UTC(2026, 0, 1)

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A store whose values tell no time, and whose descriptions are changed. */
function describing(change: () => object | Promise<object>): SecretProvider {
  const store = provider()
  return {
    ...store,
    get: async (...args) => {
      const secret = await store.get(...args)
      return secret && { ...secret, currentSince: undefined }
    },
    describe: async (...args) => {
      const described = await store.describe(...args)
      return described && { ...described, ...(await change()) }
    },
  }
}

describe('the end of a grace period', () => {
  const retireAtOf = async (store: SecretProvider): Promise<number | undefined> =>
    (await rotate(secretsOver(store), 'db', optionsOf(new FarSide(2).target))).retireAt

  test('is part of the result of a rotation, if the store describes that version', async () => {
    expect(await retireAtOf(describing(() => ({})))).toBe(start + 600_000)
    expect(await retireAtOf(describing(() => ({ version: 9, revision: undefined })))).toBeUndefined()
    expect(await retireAtOf(describing(() => ({ currentSince: undefined, currentNotBefore: undefined })))).toBeUndefined()
  })

  test('does not fail a rotation that has succeeded', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    let isDown = false
    const store = describing(async () => (isDown ? Promise.reject(new SecretsError('UNAVAILABLE', 'out')) : {}))
    const { target } = new FarSide(2)
    const tests: typeof target.test = async (...args) => ((isDown = true), target.test(...args))
    const result = await rotate(secretsOver(store), 'db', optionsOf(withMembers(target, { test: tests })))
    expect(result).toMatchObject({ outcome: 'rotated', version: 2, retireAt: undefined })
  })

  test('needs no description where the value tells its time', async () => {
    const store = provider()
    const far = new FarSide(2)
    await rotate(secretsOver(store), 'db', optionsOf(far.target))
    const describes = vi.spyOn(store, 'describe')
    expect(await retirePrevious(secretsOver(store), 'db', { target: far.target, graceSeconds: 600 })).toMatchObject({ outcome: 'inGrace' })
    expect(describes).not.toHaveBeenCalled()
  })

  test('is not waited for without a grace period, though the store tells no time; a second is', async () => {
    const secrets = secretsOver(describing(() => ({ currentSince: undefined, currentNotBefore: undefined })))
    const options = optionsOf(new FarSide(2).target, { graceSeconds: 0 })
    for (const version of [2, 3]) expect(await rotate(secrets, 'db', options)).toMatchObject({ version })
    expect((await failureOf(rotate(secrets, 'db', { ...options, graceSeconds: 1 }))).code).toBe('RATE_LIMITED')
  })
})
