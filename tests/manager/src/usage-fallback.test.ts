import { createSecretsManager, type SecretProvider, SecretsError, type SecretsManager, type SharedUsage } from '@finchat/secrets-core'
import { liveSecret, registerUse, useSecret } from '@finchat/secrets-core/live'
import { memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) })
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const context = { signal: new AbortController().signal }
const options = { isAuthError: () => false, usageMarks: true }
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

interface Trial {
  readonly secrets: SecretsManager
  readonly uses: () => Promise<unknown>
  isDown: boolean
  /** How long a registration takes: for the store, and for its copy. */
  registerMs: number
  copyMs: number
}

/** A store that a fleet shares, and a copy of it that shares nothing by default and has a name of its own. */
function trial(copyOptions: { readonly sharedAs?: string } = {}): Trial {
  const store = memoryProvider({ name: 'store', sharedAs: 'store', secrets: { db: 'one' } })
  const copy = memoryProvider({ name: 'copy', ...copyOptions, secrets: { db: 'one', other: 'x' } })
  const cache = memorySharedCache()
  const get: SecretProvider['get'] = async (...args) => {
    if (made.isDown) throw new SecretsError('UNAVAILABLE', 'the store is down')
    return store.get(...args)
  }
  const register: SharedUsage['register'] = async (...args) => {
    const ms = args[0].sharedAs === 'store' ? made.registerMs : made.copyMs
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    return cache.usage.register(...args)
  }
  const shared = { ...cache, usage: { ...cache.usage, register } }
  const providers = [{ ...store, get }, copy]
  const made: Trial = {
    secrets: createSecretsManager({ providers, fallback: {}, cache: { shared, ttlSeconds: 1, maxStaleSeconds: 0 } }),
    uses: async () => {
      const found = await cache.usage.read({ sharedAs: 'store', path: 'db' }, context)
      return found?.marks.map(({ uses }) => uses.map(({ version }) => version))
    },
    isDown: false,
    registerMs: 0,
    copyMs: 0,
  }
  return made
}

describe('a value that no mark can name', () => {
  test('hides no other value of the same user, and ends no mark', async () => {
    const made = trial()
    await useSecret(made.secrets, 'db', made.uses, options)
    made.isDown = true
    await pass(2_000)
    expect(await useSecret(made.secrets, 'db', ({ provider }) => provider, options)).toBe('copy')
    expect(await made.uses()).toEqual([[1]])
    made.isDown = false
    await made.secrets.rotateSecret('db', 'two')
    await pass(60_000)
    const login = Promise.withResolvers<void>()
    const running = useSecret(made.secrets, 'db', () => login.promise, options)
    await pass(2_000)
    expect(await made.uses()).toEqual([[1, 2]]) // the copy may have had version 1
    login.resolve()
    await running
    await pass(2_000)
    expect(await made.uses()).toEqual([[2]])
  })

  test('is told as a failure by a registered use, after the others are registered', async () => {
    const made = trial()
    const use = registerUse(made.secrets, 'db')
    const first = await made.secrets.getSecretValue('db')
    made.isDown = true
    const ofCopy = await made.secrets.getSecretValue('db', { fresh: true })
    await expect(use.uses(ofCopy, first)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(await made.uses()).toEqual([[1]])
  })

  test('makes no other name go on before its mark is there', async () => {
    const made = trial()
    made.registerMs = 300
    await useSecret(made.secrets, 'other', () => {}, options)
    const running = useSecret(made.secrets, 'db', made.uses, options)
    await pass(1_000)
    expect(await running).toEqual([[1]])
  })
})

test('a login that waits for the mark of a fallback waits for that of the store too, if its value comes meanwhile', async () => {
  const made = trial({ sharedAs: 'copy' })
  Object.assign(made, { isDown: true, copyMs: 300, registerMs: 2_000 })
  const handle = liveSecret(made.secrets, 'db', { usageMarks: true })
  await pass(1)
  const running = handle.logIn(async ({ provider }) => [provider, await made.uses()], { isAuthError: () => false })
  made.isDown = false
  await made.secrets.rotateSecret('db', 'two')
  await pass(3_000)
  expect(await running).toEqual(['store', [[2]]])
})
