import {
  createSecretsManager,
  SecretsError,
  type SecretProvider,
  type SecretsManager,
  type StoredSecret,
  type VerifyOptions,
} from '@finchat/secrets-core'
import { describe, expect, it, vi } from 'vitest'
import { readOnly } from './testing/manager-trial.ts'
import { onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const second = 1_000
const grace: VerifyOptions = { acceptPreviousForSeconds: 600 }
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('the former version of a store that keeps versions', () => {
  /** A was read at 0; B, read at 250 s, is told to be current since `at`. */
  async function replaced(metadata: Partial<StoredSecret>, members: Partial<SecretProvider> = {}): Promise<SecretsManager> {
    let current: StoredSecret = { value: 'A' }
    const former = { ...readOnly('store', async () => current), getVersion: async () => ({ value: 'A' }), ...members }
    const secrets = createSecretsManager({ providers: [former] })
    await secrets.getSecret('token')
    await pass(250 * second)
    current = { value: 'B', ...metadata }
    await secrets.getSecret('token', { fresh: true })
    return secrets
  }

  it.each<[at: number, member: 'currentSince' | 'currentNotBefore', acceptedUntil: number]>([
    [200, 'currentSince', 800],
    [200, 'currentNotBefore', 800],
    [-100, 'currentSince', 500],
    [-100, 'currentNotBefore', 600], // the store still gave it at 0
    [1_000, 'currentSince', 850], // after it was read: this clock is behind the store's
    [1_000, 'currentNotBefore', 850],
  ])('is accepted for the grace: current since %d s, as `%s`, until %d s', async (at, member, acceptedUntil) => {
    const secrets = await replaced({ [member]: Date.now() + at * second })
    await pass((acceptedUntil - 250) * second)
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    await pass(1)
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(false)
  })

  it('is accepted longer by as much as this clock is behind, and no longer where it is set right meanwhile', async () => {
    for (const aheadMs of [0, 100 * second]) {
      const secrets = await replaced({ currentSince: Date.now() + 100 * second }) // at 0, by a clock that is 100 s ahead
      await pass(450 * second)
      expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
      vi.setSystemTime(Date.now() + aheadMs)
      expect([aheadMs, await secrets.verifySecret('token', 'A', grace)]).toEqual([aheadMs, aheadMs === 0])
    }
  })

  it('is accepted after a return to former content, though nobody read the version between', async () => {
    const values = ['A', 'B', 'A']
    const times = [0, 700, 1_300].map((at) => Date.now() + at * second)
    let version = 1
    const stored = (number: number): StoredSecret => ({ value: values[number - 1] ?? '', version: number, currentSince: times[number - 1] })
    const getVersion = async (_: string, asked: unknown): Promise<StoredSecret> => stored(Number(asked))
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', async () => stored(version)), getVersion }] })
    await secrets.getSecret('token')
    await pass(1_400 * second)
    version = 3
    expect([await secrets.verifySecret('token', 'A', grace), await secrets.verifySecret('token', 'B', grace)]).toEqual([true, true])
  })

  it('is the one that this process saw, and ends as that does, if the store says UNSUPPORTED', async () => {
    const getVersion = async (): Promise<never> => Promise.reject(new SecretsError('UNSUPPORTED', 'no versions here'))
    const secrets = await replaced({ currentSince: Date.now() + 200 * second }, { getVersion })
    await pass(350 * second)
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
    await pass(1)
    expect(await secrets.verifySecret('token', 'A', grace)).toBe(false)
  })

  it('is not kept longer by a clock that is set back between two reads of its successor', async () => {
    for (const member of ['currentSince', 'currentNotBefore']) {
      const start = Date.now()
      const getVersion = async (): Promise<StoredSecret> => ({ value: 'A' })
      const get = async (): Promise<StoredSecret> => ({ value: 'B', [member]: start })
      const secrets = createSecretsManager({ providers: [{ ...readOnly('store', get), getVersion }] })
      expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
      vi.setSystemTime(start + 100 * second)
      await pass(550 * second)
      vi.setSystemTime(start + 100 * second)
      await secrets.getSecret('token', { fresh: true })
      expect(await secrets.verifySecret('token', 'A', grace)).toBe(true)
      await pass(51 * second)
      await secrets.getSecret('token', { fresh: true })
      expect([member, await secrets.verifySecret('token', 'A', grace)]).toEqual([member, false])
      vi.setSystemTime(start + 2_000 * second)
    }
  })

  it.each([-1, -2, -1_000])('is asked for anew with each successor, also if the clock is set back by %d ms in between', async (ms) => {
    let version = 1
    const currentSince = Date.now()
    const get = async (): Promise<StoredSecret> => ({ value: `v${version}`, currentSince })
    const getVersion = async (): Promise<StoredSecret> => ({ value: `v${version - 1}` })
    const secrets = createSecretsManager({ providers: [{ ...readOnly('store', get), getVersion }] })
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(true)
    version = 3
    await pass(1)
    vi.setSystemTime(Date.now() + ms)
    expect(await secrets.verifySecret('token', 'v2', grace)).toBe(true)
  })

  it('is given without the time of the change while this process knows that it was current', async () => {
    let version = 1
    const stored = (number: number): StoredSecret => ({ value: `v${number}`, version: number })
    const store = {
      ...readOnly('store', async () => stored(version)),
      getVersion: async (_: string, asked: unknown) => stored(Number(asked)),
    }
    const secrets = createSecretsManager({ providers: [store] })
    await secrets.getSecret('token')
    version = 2
    expect(await secrets.verifySecret('token', 'v1', { ...grace, fresh: true })).toBe(true)
    await pass(601 * second)
    expect(await secrets.verifySecret('token', 'v1', grace)).toBe(false)
  })
})
