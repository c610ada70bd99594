import { expect, test } from 'vitest'
import { createSecretsManager } from '../../manager/create-manager.ts'
import { partsOf } from '../../manager/parts.ts'
import { secretValue } from '../../testing/secret-value.ts'
import { stagingStore } from '../../testing/staging-store.ts'
import { LoginScope, scopeOf } from './login-scope.ts'

const partsOfNew = (): ReturnType<typeof partsOf> => partsOf(createSecretsManager({ providers: [stagingStore(undefined).provider] }))

test('a login knows its call of useSecret, for its own secret and manager alone', async () => {
  const [parts, others] = [partsOfNew(), partsOfNew()]
  const scope = new LoginScope(parts, 'db', 1_000)
  const known = await scope.run(async () => {
    await Promise.resolve()
    return [scopeOf(parts, 'db'), scopeOf(parts, 'other'), scopeOf(others, 'db')]
  })
  expect(known).toEqual([scope, undefined, undefined])
  expect(scopeOf(parts, 'db')).toBe(undefined)
})

test('each login begins with no value, and a connection that lives longer has no call', async () => {
  const parts = partsOfNew()
  const scope = new LoginScope(parts, 'db', 1_000)
  const ended = Promise.withResolvers<void>()
  const reconnects = scope.run(async () => {
    scope.given = secretValue('a', { version: 1 })
    await ended.promise
    return scopeOf(parts, 'db')
  })
  expect(scope.run(() => scope.given)).toBe(undefined)
  scope.given = secretValue('b', { version: 2 })
  scope.end()
  ended.resolve()
  expect([await reconnects, scope.given]).toEqual([undefined, undefined])
})

test('a login that is held ends with the budget, which counts from the first refusal', () => {
  const scope = new LoginScope(partsOfNew(), 'db', 1_000)
  expect(scope.endOf(500)).toBe(1_500)
  scope.until = 1_200
  expect(scope.endOf(500)).toBe(1_200)
})
