import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../testing/refusal.ts'
import { createSecretsManager } from './create-manager.ts'
import { partsOf } from './parts.ts'
import type { SecretsManager } from './secrets-manager.ts'

const provider = { specificationVersion: 'v1' as const, name: 'store', get: async () => ({ value: 'canary-7d21' }) }
const manager = (): SecretsManager => createSecretsManager({ providers: [provider] })

describe('the parts of a secrets manager', () => {
  it('are the same for a manager and its copies', () => {
    const secrets = manager()
    const parts = partsOf(secrets)
    expect(partsOf({ ...secrets })).toBe(parts)
    expect(partsOf(Object.assign({}, secrets))).toBe(parts)
    expect(parts.locate('db').locations).toHaveLength(1)
    expect(partsOf(manager())).not.toBe(parts)
  })

  it('show nothing when the manager is printed', async () => {
    const secrets = manager()
    await secrets.getSecret('db')
    expect(inspect(secrets, { depth: 9, showHidden: true })).not.toMatch(/canary|Reader|Writer|Chain/)
    expect(JSON.stringify(secrets)).toBe('{}')
    expect(Object.keys(secrets)).not.toContain('parts')
  })

  it('are INVALID_ARGUMENT for anything else', () => {
    const symbol = Symbol.for('@finchat/secrets-core.parts')
    for (const other of [{}, { [symbol]: 7 }, { [symbol]: () => undefined }, undefined, 'hunter2']) {
      const error = failureOf(() => partsOf(other as unknown as SecretsManager))
      expect([error.code, error.remedy]).toEqual([
        'INVALID_ARGUMENT',
        'pass the manager that createSecretsManager returned, or a copy of it',
      ])
      expect(inspect(error)).not.toContain('hunter2')
    }
  })
})
