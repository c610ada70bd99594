import { describe, expect, it } from 'vitest'
import { secretValue } from '../testing/secret-value.ts'
import { fieldsOf, nextValue, passwordFieldIn } from './value.ts'

describe('the next value of a secret', () => {
  it.each([
    ['of fields has the password in its field', { user: 'app', password: 'old' }, { user: 'app', password: 'new' }],
    ['that is one text is a text', 'old', 'new'],
    ['that is one text in a store of fields stays in its only field', { value: 'old' }, { value: 'new' }],
    ['with other fields keeps the field `value`', { value: 'x', password: 'old' }, { value: 'x', password: 'new' }],
  ])('%s', async (_, current, next) => {
    expect(nextValue(await secretValue(current), 'new', 'password')).toEqual(next)
  })

  it('has the password where it is read', async () => {
    const fields = fieldsOf(await secretValue({ value: 'old' })) ?? {}
    expect(fields[passwordFieldIn(fields, 'password')]).toBe('old')
  })
})
