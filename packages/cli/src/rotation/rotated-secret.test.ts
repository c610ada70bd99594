import { describe, expect, it } from 'vitest'
import { rotatedSecret } from './rotated-secret.ts'

const secrets = {
  STRIPE: { name: 'stripe-key' },
  DB: { name: 'db' },
  DB_USER: { name: 'db', field: 'username' },
  DB_PASSWORD: { name: 'db', field: 'password' },
  MAIL: { field: 'password' },
}

describe('what is rotated under a name', () => {
  it.each([
    ['STRIPE', {}, 'stripe-key', undefined],
    ['stripe-key', {}, 'stripe-key', undefined],
    ['DB_PASSWORD', {}, 'DB_PASSWORD', 'password'],
    ['DB_PASSWORD', { db: {} }, 'db', undefined],
    ['DB_PASSWORD', { DB_PASSWORD: {}, db: {} }, 'DB_PASSWORD', 'password'],
    ['MAIL', {}, 'MAIL', 'password'],
    ['MAIL', { MAIL: {} }, 'MAIL', undefined],
    ['constructor', {}, 'constructor', undefined],
  ])('of %s with rotation %j is %s, field %s', (given, rotation, name, field) => {
    const rotated = rotatedSecret(given, { secrets, rotation })
    expect([rotated.name, rotated.alias?.field]).toEqual([name, field])
  })

  it('is configured by the declared name, or else by the name in the chain', () => {
    const [own, whole] = [{ every: '1d' }, { every: '2d' }]
    expect(rotatedSecret('STRIPE', { secrets, rotation: { STRIPE: own, 'stripe-key': whole } })).toMatchObject({
      config: own,
      member: 'STRIPE',
    })
    expect(rotatedSecret('STRIPE', { secrets, rotation: { 'stripe-key': whole } })).toMatchObject({ config: whole, member: 'stripe-key' })
    expect(rotatedSecret('NOPE', { secrets }).config).toBeUndefined()
  })
})
