import { memoryProvider } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { secretsOver } from '../testing/rotations.ts'
import { secretValue } from '../testing/secret-value.ts'
import { fieldsOf, nextValue, passwordFieldIn } from './value.ts'

/** As RDS writes it, and a number that a double cannot hold. */
const rds = '{"username":"app","password":"old","port":5432,"tags":{"a":[1.10]},"id":12345678901234567890}'

describe('the next value of a secret', () => {
  it.each([
    ['of fields has the password in its field', { user: 'app', password: 'old' }, { user: 'app', password: 'new' }],
    ['that is one text is a text', 'old', 'new'],
    ['that is one text in a store of fields stays in its only field', { value: 'old' }, { value: 'new' }],
    ['of fields in JSON text stays a text', '{"user":"app", "password":"old"}', '{"user":"app","password":"new"}'],
    ['whose only field has JSON in it keeps that field', { password: '{"a":"b"}' }, { password: 'new' }],
    ['has every other member as it was written', rds, rds.replace('"old"', '"new"')],
    ['has the last of equal members, as it is read', '{"password":"a","password":"b","host":"x"}', '{"password":"new","host":"x"}'],
    ['whose `value` is one of two keeps it', '{"value":"x","port":1}', '{"value":"x","port":1,"password":"new"}'],
    ['with other fields keeps the field `value`', { value: 'x', password: 'old' }, { value: 'x', password: 'new' }],
  ])('%s', async (_, current, next) => {
    expect(nextValue(await secretValue(current), 'new', 'password')).toEqual(next)
  })

  it('is refused where a store of fields would have to keep a number', async () => {
    const secrets = secretsOver(memoryProvider({ secrets: { db: { value: '{"password":"old","port":5432}', shape: 'map' } } }))
    const current = await secrets.getSecretValue('db')
    expect(() => nextValue(current, 'new', 'password')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('has the password where it is read', async () => {
    const fields = fieldsOf(await secretValue({ value: 'old' })) ?? {}
    expect(fields[passwordFieldIn(fields, 'password')]).toBe('old')
  })
})
