import { describe, expect, it } from 'vitest'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { isKnownCode, isOutage, isWithdrawal, type FallbackAction } from '../errors/error-classes.ts'
import { knownFallbackPolicy, type FallbackPolicy, actionFor } from './fallback-policy.ts'

/**
 * ARCHITECTURE.md's table, "What a failure means": what the chain does, whether the store is merely
 * out, and whether what is held is dropped.
 */
const rows: readonly (readonly [SecretsErrorCode, FallbackAction, 'out' | 'drop' | ''])[] = [
  ['UNAVAILABLE', 'next', 'out'],
  ['DEADLINE_EXCEEDED', 'next', 'out'],
  ['RATE_LIMITED', 'next', 'out'],
  ['CREDENTIALS_MISSING', 'next', ''],
  ['UNSUPPORTED', 'next', ''],
  ['DELETED', 'stop', 'drop'],
  ['UNAUTHENTICATED', 'stop', 'drop'],
  ['PERMISSION_DENIED', 'stop', 'drop'],
  ['INVALID_ARGUMENT', 'stop', ''],
  ['VERSION_CONFLICT', 'stop', ''],
  ['INTEGRITY', 'stop', 'drop'],
  ['CONFIGURATION', 'stop', ''],
  ['INTERNAL', 'stop', ''],
  ['NOT_FOUND', 'stop', ''],
  ['ABORTED', 'stop', ''],
  ['AUDIT_FAILED', 'stop', ''],
]
const fixed: readonly string[] = ['NOT_FOUND', 'ABORTED', 'AUDIT_FAILED']

describe('the fallback policy', () => {
  it.each(rows)('%s: %s %s', (code, action, kind) => {
    expect([actionFor(code, []), isOutage(code), isWithdrawal(code), isKnownCode(code)]).toEqual([
      action,
      kind === 'out',
      kind === 'drop',
      true,
    ])
  })

  it.each(['QUANTUM_ERROR', 'constructor', '__proto__', ''])('stops at the unknown code %j', (code) => {
    expect(isKnownCode(code)).toBe(false)
    expect(actionFor(code as SecretsErrorCode, [{ [code]: 'next' }])).toBe('stop')
  })

  it.each(rows.filter(([code]) => !fixed.includes(code)))('allows an override of %s', (code, action) => {
    const other = action === 'next' ? 'stop' : 'next'
    expect(actionFor(code, [{ [code]: other }])).toBe(other)
  })

  it.each(fixed)('never allows an override of %s', (code) => {
    expect(actionFor(code as SecretsErrorCode, [{ [code]: 'next' }])).toBe('stop')
    expect(() => knownFallbackPolicy({ [code]: 'next' })).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('prefers the row of the call to that of the manager', () => {
    const manager: FallbackPolicy = { PERMISSION_DENIED: 'next', UNAVAILABLE: 'stop' }
    expect(actionFor('PERMISSION_DENIED', [manager, { PERMISSION_DENIED: 'stop' }])).toBe('stop')
    expect(actionFor('PERMISSION_DENIED', [manager, { PERMISSION_DENIED: undefined }])).toBe('next')
    expect(actionFor('UNAVAILABLE', [manager, undefined])).toBe('stop')
    expect(actionFor('DELETED', [manager, Object.create({ DELETED: 'next' }) as FallbackPolicy])).toBe('stop')
  })

  it('refuses unknown rows and actions', () => {
    for (const policy of [{ UNAVAILBLE: 'stop' }, { UNAVAILABLE: 'retry' }, { UNAVAILABLE: true }]) {
      expect(() => knownFallbackPolicy(policy as FallbackPolicy)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    }
    for (const policy of [undefined, {}, { UNAVAILABLE: 'stop', DELETED: undefined } as const])
      expect(() => knownFallbackPolicy(policy)).not.toThrow()
  })
})
