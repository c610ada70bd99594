import { createSecretsManager, type SecretProvider, SecretsError } from '@finchat/secrets-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { followRotation } from './follow-rotation.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const pass = async (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

const given = (): Uint8Array => Buffer.from('value 1')

/** Follows A and B, each of which a call of `rotate` changes. */
async function following(react: () => Promise<boolean>, signal = new AbortController().signal) {
  const versions = new Map([
    ['A', 1],
    ['B', 1],
  ])
  const get: SecretProvider['get'] = async (path) => ({ value: `value ${versions.get(path)}`, version: versions.get(path) ?? 1 })
  const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }] })
  const ended = followRotation(secrets, ['A', 'B', 'A'], { actor: 'ana', signal, intervalSeconds: 1, given }, react)
  await vi.dynamicImportSettled()
  await pass(1_500)
  const rotate = async (...names: string[]): Promise<void> => {
    for (const name of names) versions.set(name, (versions.get(name) ?? 0) + 1)
    await pass(1_500) // it is seen
  }
  return { rotate, ended }
}

it('reacts once to secrets that rotate together, and to nothing else', async () => {
  const react = vi.fn<() => Promise<boolean>>(async () => true)
  const { rotate } = await following(react)
  await pass(60_000)
  expect(react).toHaveBeenCalledTimes(0)
  await rotate('A', 'B')
  await pass(60_000)
  expect(react).toHaveBeenCalledTimes(1)
})

it('reacts at most every five seconds, and after the last rotation', async () => {
  const times: number[] = []
  const { rotate } = await following(async () => times.push(Date.now()) > 0)
  for (let time = 0; time < 20; time++) await rotate('A')
  const last = Date.now()
  await pass(60_000)
  expect(times.slice(1).every((time, index) => time - (times[index] ?? 0) >= 5_000)).toBe(true)
  expect(times.length).toBeLessThanOrEqual(8)
  expect(times.at(-1)).toBeGreaterThan(last - 1_500)
})

it('tries again what did not succeed, after a while', async () => {
  const react = vi.fn<() => Promise<boolean>>(async () => false)
  react.mockResolvedValueOnce(false).mockResolvedValueOnce(false).mockResolvedValue(true)
  const { rotate } = await following(react)
  await rotate('A')
  await pass(5_000)
  expect(react).toHaveBeenCalledTimes(1)
  await pass(120_000)
  expect(react).toHaveBeenCalledTimes(3)
})

it('ends by its signal, also during a pause', async () => {
  const controller = new AbortController()
  const react = vi.fn<() => Promise<boolean>>(async () => true)
  const { rotate, ended } = await following(react, controller.signal)
  await rotate('A')
  controller.abort()
  await pass(0)
  await expect(ended).resolves.toBeUndefined()
})

it.each([0, 60])('reacts to what changed before it began, with a cache of %i s', async (ttlSeconds) => {
  let version = 1
  const get: SecretProvider['get'] = async () => ({ value: `value ${version}`, version })
  const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }], cache: { ttlSeconds } })
  await secrets.getSecretValue('A')
  version = 2
  const react = vi.fn<() => Promise<boolean>>(async () => true)
  const { signal } = new AbortController()
  void followRotation(secrets, ['A'], { actor: 'ana', signal, intervalSeconds: 1, given }, react)
  await vi.dynamicImportSettled()
  await pass(5_000)
  expect(react).toHaveBeenCalledTimes(1)
})

it('reacts to a secret that was absent before it began', async () => {
  const react = vi.fn<() => Promise<boolean>>(async () => true)
  const provider: SecretProvider = { specificationVersion: 'v1', name: 'store', get: async () => ({ value: 'value 1' }) }
  const { signal } = new AbortController()
  const options = { actor: 'ana', signal, intervalSeconds: 1, given: () => undefined }
  void followRotation(createSecretsManager({ providers: [provider] }), ['A'], options, react)
  await vi.dynamicImportSettled()
  await pass(5_000)
  expect(react).toHaveBeenCalledTimes(1)
})

describe('a secret that the store does not give', () => {
  type Answer = 'value' | 'none' | 'PERMISSION_DENIED' | 'UNAUTHENTICATED'

  it.each<[from: Answer, to: Answer]>([
    ['none', 'none'],
    ['value', 'none'],
    ['value', 'PERMISSION_DENIED'],
    ['value', 'UNAUTHENTICATED'],
  ])('is followed again when it does: first %s, then %s', async (from, to) => {
    let [answer, version]: [Answer, number] = [from, 1]
    const get: SecretProvider['get'] = async () => {
      if (answer === 'none') return undefined
      if (answer !== 'value') throw new SecretsError(answer, 'not now')
      return { value: `value ${version}`, version }
    }
    const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }] })
    const react = vi.fn<() => Promise<boolean>>(async () => true)
    const controller = new AbortController()
    void followRotation(secrets, ['A'], { actor: 'ana', signal: controller.signal, intervalSeconds: 1, given }, react)
    await vi.dynamicImportSettled()
    await pass(2_000)
    answer = to
    await pass(60_000)
    const before = react.mock.calls.length
    ;[answer, version] = ['value', 2]
    await pass(60_000)
    expect(react).toHaveBeenCalledTimes(before + 1)
    version = 3
    await pass(60_000)
    expect(react).toHaveBeenCalledTimes(before + 2)
    controller.abort()
  })
})
