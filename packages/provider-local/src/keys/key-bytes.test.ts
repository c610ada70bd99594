import { SecretsError } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { KeyBytes } from './key-bytes.ts'

describe('a key that is wiped', () => {
  const retired = (): SecretsError => new SecretsError('CONFIGURATION', 'it is retired')

  test('is overwritten, and every use says why it was wiped first', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const key = new KeyBytes(bytes)
    expect(key.bytes).toBe(bytes)
    key.wipe(retired)
    key.wipe()
    expect(bytes).toEqual(new Uint8Array(3))
    expect(() => key.bytes).toThrow('it is retired')
  })

  test('says that the store is closed if no other reason is given', () => {
    const key = KeyBytes.random()
    key.wipe()
    expect(() => key.bytes).toThrow('the local store is closed')
  })
})
