import {
  createSecretsManager,
  SecretsError,
  type AuditTrail,
  type SecretProvider,
  type SecretsManager,
  type SharedCache,
} from '@finchat/secrets-core'
import { wrapProvider } from '@finchat/secrets-core/provider'
import { faultyProvider, memoryAuditTrail, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import { describe, expect, it, vi } from 'vitest'
import { failureOf } from './testing/manager-trial.ts'

/** A provider that is of no use once it is closed, as one that holds a file or a token. */
function closable(name = 'store'): { readonly provider: SecretProvider; readonly close: ReturnType<typeof vi.fn<() => Promise<void>>> } {
  let isClosed = false
  const close = vi.fn(async () => void (isClosed = true))
  const get: SecretProvider['get'] = async () => {
    if (isClosed) throw new SecretsError('ABORTED', 'the store is closed', { remedy: 'close it after the last use' })
    return { value: 'v', version: 1 }
  }
  return { provider: { specificationVersion: 'v1', name, get, close }, close }
}

/** Whether the manager can ask its store. */
async function works(secrets: SecretsManager): Promise<boolean> {
  return (await secrets.getSecret('token', { fresh: true })) === 'v'
}

const copies: Readonly<Record<string, (provider: SecretProvider) => SecretProvider>> = {
  'the same object': (provider) => provider,
  'a spread copy': (provider) => ({ ...provider, name: 'copy' }),
  'a wrapped one': (provider) => wrapProvider(provider, (call, next) => next(call.context)),
  'a faulty one of a wrapped one': (provider) =>
    faultyProvider(
      wrapProvider(provider, (call, next) => next(call.context)),
      () => undefined,
    ),
}

describe('a provider of two managers', () => {
  it.each(Object.entries(copies))('is closed with the second manager, in either order: %s', async (_, copy) => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const { provider, close } = closable()
      const managers = [provider, copy(provider)].map((each) => createSecretsManager({ providers: [each] }))
      const [first, second] = order.map((index) => managers[index])
      if (first === undefined || second === undefined) throw new Error('there are two')
      await Promise.all(managers.map(works))
      await first.close()
      await first.close()
      expect(close).not.toHaveBeenCalled()
      expect(await works(second)).toBe(true)
      await second.close()
      expect(close).toHaveBeenCalledTimes(1)
    }
  })

  it('is closed once when many are closed together', async () => {
    const { provider, close } = closable()
    const managers = Array.from({ length: 20 }, () => createSecretsManager({ providers: [provider] }))
    await Promise.all(managers.map((each) => each.close()))
    expect(close).toHaveBeenCalledTimes(1)
  })

  it("counts as used from the manager's creation, even without calls", async () => {
    const { provider, close } = closable()
    const first = createSecretsManager({ providers: [provider] })
    const closing = first.close()
    const second = createSecretsManager({ providers: [provider] })
    await closing
    expect(close).not.toHaveBeenCalled()
    expect(await works(second)).toBe(true)
  })

  it('is not used by a manager whose options were refused', async () => {
    const { provider, close } = closable()
    expect(() => createSecretsManager({ providers: [provider], writeTo: 'nobody' })).toThrow('writeTo')
    await createSecretsManager({ providers: [provider] }).close()
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('is not used by a manager that could not start', async () => {
    const { provider, close } = closable()
    const first = createSecretsManager({ providers: [provider] })
    const broken = { ...closable('broken').provider, getMany: 5 } as unknown as SecretProvider // what JavaScript lets pass
    expect(() => createSecretsManager({ providers: [provider, broken] })).toThrow('getMany()')
    await first.close()
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('that is listed twice in one manager is closed with it', async () => {
    const { provider, close } = closable()
    await createSecretsManager({ providers: [provider, { ...provider, name: 'again' }] }).close()
    expect(close).toHaveBeenCalledTimes(2)
  })

  it('is closed with the second manager even if the first failed to close something else', async () => {
    const { provider, close } = closable()
    const failing: SecretProvider = { ...closable('failing').provider, close: () => Promise.reject(new Error('x')) }
    const first = createSecretsManager({ providers: [provider, failing] })
    const second = createSecretsManager({ providers: [provider] })
    expect((await failureOf(first.close())).problem).toContain('failing')
    await second.close()
    expect(close).toHaveBeenCalledTimes(1)
  })
})

describe('a provider that was closed with its manager', () => {
  it('serves the next manager if it can be used again', async () => {
    const provider = memoryProvider({ secrets: { token: 'v' } })
    for (let times = 0; times < 3; times += 1) {
      const secrets = createSecretsManager({ providers: [provider] })
      expect(await works(secrets)).toBe(true)
      await secrets.close()
    }
  })

  it.each(Object.entries(copies))('is reported as closed if it cannot, with a remedy: %s', async (_, copy) => {
    const { provider } = closable()
    await createSecretsManager({ providers: [provider] }).close()
    const secrets = createSecretsManager({ providers: [copy(provider)] })
    const error = await failureOf(secrets.getSecret('token'))
    expect(error.code).toBe('CONFIGURATION')
    expect(error.message).toMatch(/was closed with the secrets manager that used it before \(make another provider/)
  })

  it('still ends aborted calls with ABORTED, and passes other failures on', async () => {
    const { provider } = closable()
    await createSecretsManager({ providers: [provider] }).close()
    const denied = async (): Promise<never> => Promise.reject(new SecretsError('PERMISSION_DENIED', 'denied'))
    const hung = (): Promise<never> => new Promise(() => {})
    const failure = async (get: SecretProvider['get'], signal?: AbortSignal): Promise<string> =>
      (await failureOf(createSecretsManager({ providers: [{ ...provider, get }] }).getSecret('token', { signal }))).code
    expect(await failure(denied)).toBe('PERMISSION_DENIED')
    expect(await failure(hung, AbortSignal.timeout(5))).toBe('ABORTED')
  })
})

describe('a shared cache and an audit trail of two managers', () => {
  it('are closed with the second manager', async () => {
    const [shared, audit] = [memorySharedCache(), memoryAuditTrail()]
    const closed = { shared: vi.fn(async () => {}), audit: vi.fn(async () => {}) }
    const parts = {
      providers: [memoryProvider({ sharedAs: 's', secrets: { token: 'v' } })],
      cache: { shared: { ...shared, close: closed.shared } satisfies SharedCache },
      audit: { ...audit, close: closed.audit } satisfies AuditTrail,
    }
    const [first, second] = [createSecretsManager(parts), createSecretsManager(parts)]
    await first.close()
    expect([closed.shared.mock.calls.length, closed.audit.mock.calls.length]).toEqual([0, 0])
    expect(await works(second)).toBe(true)
    await second.close()
    expect([closed.shared.mock.calls.length, closed.audit.mock.calls.length]).toEqual([1, 1])
  })
})
