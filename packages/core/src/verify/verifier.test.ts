import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { StoredSecret } from '../contract/provider.ts'
import { longestCompared, Verification } from '../value/digest.ts'

afterEach(() => void vi.restoreAllMocks())

function managerOf(value: StoredSecret['value']): SecretsManager {
  return createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'p', get: async () => ({ value }) }] })
}

describe('bytes that are presented', () => {
  it('are copied, and the copy is overwritten after the comparison', async () => {
    const match = vi.spyOn(Verification.prototype, 'match')
    const presented = Uint8Array.of(1, 2, 3)
    expect(await managerOf(Uint8Array.of(1, 2, 3)).verifySecret('a', presented)).toBe(true)
    expect(match.mock.calls.map(([candidate]) => candidate)).toEqual([new Uint8Array(3)])
    expect(presented).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('do not match a secret near the greatest length that they continue', async () => {
    const secret = new Uint8Array(longestCompared - 1).fill(7)
    expect(await managerOf(secret).verifySecret('a', new Uint8Array(longestCompared).fill(7))).toBe(false)
  })
})
