import { describe, expect, it } from 'vitest'
import { liveSecret, useSecret } from '../live.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { partsOf } from '../manager/parts.ts'
import { stagingStore } from '../testing/staging-store.ts'
import { hubOf } from './live-hub.ts'

const refused = new Error('password authentication failed')
const isAuthError = (error: unknown): boolean => error === refused

describe('the values of a name', () => {
  it('are let go of with the last handle', async () => {
    const secrets = createSecretsManager({ providers: [stagingStore({ value: 'v1', version: 1 }).provider] })
    const [one, other] = [liveSecret(secrets, 'db'), liveSecret(secrets, 'db')]
    await Promise.all([one.ready, other.ready])
    one[Symbol.dispose]()
    expect(hubOf(partsOf(secrets)).known('db')).toBeDefined()
    other[Symbol.dispose]()
    expect(hubOf(partsOf(secrets)).known('db')).toBeUndefined()
    expect(other.current.reveal()).toBe('v1')
  })

  it.each(['fresh', 'previous'] as const)('are kept after a refusal only if the current one does not work (%s works)', async (works) => {
    const store = stagingStore({ value: 'old', version: 2 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    await secrets.getSecret('db')
    if (works === 'fresh') store.current = { value: 'works', version: 3 }
    else store.previous = { value: 'works', version: 1 }
    const login = async (text: string): Promise<string> => (text === 'works' ? text : Promise.reject(refused))
    expect(await useSecret(secrets, 'db', (value) => login(value.reveal()), { isAuthError })).toBe('works')
    expect(hubOf(partsOf(secrets)).known('db') === undefined).toBe(works === 'fresh')
  })
})
