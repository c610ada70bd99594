import { describe, expect, it } from 'vitest'
import { aggregateError } from './aggregate-error.ts'
import { SecretNotFoundError, SecretsError } from './secrets-error.ts'

function failure(name: string, code: SecretsError['code']): { name: string; error: SecretsError } {
  return { name, error: code === 'NOT_FOUND' ? new SecretNotFoundError(name) : new SecretsError(code, `said ${code}`, { secret: name }) }
}

describe('aggregateError', () => {
  it('returns the failure itself for a single secret', () => {
    const only = failure('a', 'DELETED')
    expect(aggregateError([only], 1)).toBe(only.error)
  })

  it('lists every failure by name, on a line of its own', () => {
    expect(aggregateError([failure('a', 'NOT_FOUND'), failure('b\nc', 'UNAVAILABLE')], 3).message).toBe(
      '2 of 3 secrets are missing, wrong or could not be read:\n  "a": Secret \'a\' not found in any provider\n  "b\\nc": Secret \'b\nc\': said UNAVAILABLE',
    )
  })

  it('has the earliest retryAt of its failures', () => {
    const failures = [3_000, undefined, 2_000].map((retryAt, index) => ({
      name: `name-${index}`,
      error: new SecretsError('UNAVAILABLE', 'x', { retryAt }),
    }))
    expect(aggregateError(failures, 3).retryAt).toBe(2_000)
    expect(aggregateError([failure('a', 'UNAVAILABLE'), failure('b', 'UNAVAILABLE')], 2).retryAt).toBeUndefined()
  })

  it.each([
    [['NOT_FOUND', 'NOT_FOUND'], 'NOT_FOUND'],
    [['NOT_FOUND', 'INVALID_ARGUMENT'], 'INVALID_ARGUMENT'],
    [['INVALID_ARGUMENT', 'RATE_LIMITED'], 'RATE_LIMITED'],
    [['DEADLINE_EXCEEDED', 'RATE_LIMITED'], 'DEADLINE_EXCEEDED'],
    [['DEADLINE_EXCEEDED', 'UNAVAILABLE', 'NOT_FOUND'], 'UNAVAILABLE'],
    [['UNAVAILABLE', 'PERMISSION_DENIED'], 'PERMISSION_DENIED'],
    [['AUDIT_FAILED', 'NOT_FOUND'], 'AUDIT_FAILED'],
    [['DELETED', 'INTEGRITY'], 'DELETED'],
  ] as const)('has of %j the code %s', (codes, code) => {
    const error = aggregateError(
      codes.map((each, index) => failure(`name-${index}`, each)),
      codes.length,
    )
    expect(error.code).toBe(code)
    expect(error instanceof SecretNotFoundError).toBe(code === 'NOT_FOUND')
  })
})
