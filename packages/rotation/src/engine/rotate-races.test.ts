import { SecretsError } from '@finchat/secrets-core'
import { discardSecret, pendingSecret, stageSecret } from '@finchat/secrets-core/staging'
import { memoryProvider, type MemoryProvider } from '@finchat/secrets-testkit'
import { describe, expect, test, vi } from 'vitest'
import { functionTarget } from '../targets/function-target.ts'
import type { RotationTarget } from '../targets/target.ts'
import { FarSide } from '../testing/rotation-world.ts'
import { failureOf, optionsOf, provider, secretsOver, withMembers } from '../testing/rotations.ts'
import { rotate, rotateFrom, type RotationResult } from './rotate.ts'

type Put = MemoryProvider['staging']['put']

/** Rotates, while others act once between the staging and the next look. */
async function overtaken(store: MemoryProvider, target: RotationTarget, meanwhile: () => Promise<unknown>): Promise<RotationResult> {
  let isOver = false
  const put: Put = async (...args) => {
    const receipt = await store.staging.put(...args)
    if (isOver) return receipt
    isOver = true
    await meanwhile()
    return receipt
  }
  return rotate(secretsOver({ ...store, staging: { ...store.staging, put } }), 'db', optionsOf(target))
}

describe('a rotator whose version is gone when it looks again', () => {
  test('has rotated, if another one finished it', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const result = await overtaken(store, far.target, () => rotate(secretsOver(store), 'db', optionsOf(far.target, { actor: 'bob' })))
    expect(result).toMatchObject({ outcome: 'rotated', version: 2, attempt: 2 })
  })

  test('has rotated a secret of several fields, if another one finished it', async () => {
    const store = memoryProvider({ secrets: { db: { value: '{"user":"app","password":"one"}', shape: 'map' } } })
    const target = functionTarget({ apply: async () => {}, test: async () => 'accepted' })
    const result = await overtaken(store, target, () => rotate(secretsOver(store), 'db', optionsOf(target)))
    expect(result).toMatchObject({ outcome: 'rotated', version: 2 })
  })

  test('is overtaken, if somebody discarded it', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const others = secretsOver(store)
    const result = await overtaken(store, far.target, async () => {
      const pending = await pendingSecret(others, 'db')
      if (pending !== undefined) await discardSecret(others, 'db', pending)
    })
    expect([result.outcome, result.version, far.token]).toEqual(['overtaken', 1, 0])
  })

  test('leaves the version that waits by then to its own rotator', async () => {
    const [far, store] = [new FarSide(1), provider()]
    const others = secretsOver(store)
    const result = await overtaken(store, far.target, async () => {
      await rotate(others, 'db', optionsOf(far.target))
      await stageSecret(others, 'db', 'of another')
    })
    expect(result).toMatchObject({ outcome: 'rotated', version: 2 })
    expect([(await pendingSecret(others, 'db'))?.value.reveal(), far.passwords.includes('of another')]).toEqual(['of another', false])
  })
})

test('a rotation that is overtaken in each of five rounds is VERSION_CONFLICT', async () => {
  const store = provider()
  const put = vi.fn<Put>(async () => Promise.reject(new SecretsError('VERSION_CONFLICT', 'another version came first')))
  const failure = await failureOf(
    rotate(secretsOver({ ...store, staging: { ...store.staging, put } }), 'db', optionsOf(new FarSide(1).target)),
  )
  expect([failure.code, failure.secret, put.mock.calls.length]).toEqual(['VERSION_CONFLICT', 'db', 5])
})

test('a rotation from a version that is not current any more changes nothing', async () => {
  const far = new FarSide(1)
  const next = vi.fn<RotationTarget['next']>(async () => 'unused')
  const secrets = secretsOver()
  const { version, revision } = await secrets.getSecretValue('db')
  await secrets.rotateSecret('db', 'by hand')
  const result = await rotateFrom(secrets, 'db', optionsOf(withMembers(far.target, { next })), { version, revision })
  expect(result).toMatchObject({ outcome: 'overtaken', version: 2, attempt: undefined })
  expect([next.mock.calls, far.token]).toEqual([[], 0])
})
