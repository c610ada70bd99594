import { expect, it } from 'vitest'
import { SecretsError } from '../errors/secrets-error.ts'
import { hasCode, undefinedOn } from './error-code.ts'

const denied = new SecretsError('PERMISSION_DENIED', 'denied')

it('hasCode compares the code of a SecretsError with each that is given', () => {
  expect(hasCode(denied, 'PERMISSION_DENIED')).toBe(true)
  expect(hasCode(denied, 'NOT_FOUND', 'PERMISSION_DENIED')).toBe(true)
  expect(hasCode(denied, 'NOT_FOUND')).toBe(false)
  expect(hasCode(denied)).toBe(false)
})

it.each([undefined, null, 'NOT_FOUND', { code: 'NOT_FOUND' }, Object.assign(new Error('x'), { code: 'NOT_FOUND' })])(
  'hasCode is false for %o, which is no SecretsError',
  (error) => expect(hasCode(error, 'NOT_FOUND')).toBe(false),
)

it('undefinedOn keeps an answer, and makes undefined of one code only', async () => {
  await expect(undefinedOn('PERMISSION_DENIED', Promise.resolve(7))).resolves.toBe(7)
  await expect(undefinedOn('PERMISSION_DENIED', Promise.reject(denied))).resolves.toBeUndefined()
  await expect(undefinedOn('NOT_FOUND', Promise.reject(denied))).rejects.toBe(denied)
  const other = new TypeError('x')
  await expect(undefinedOn('NOT_FOUND', Promise.reject(other))).rejects.toBe(other)
})
