import { SecretsError } from '@finchat/secrets-core'
import { describe, expect, it } from 'vitest'
import { exitCodeOfAll, failed, notChecked, ok, warn } from './finding.ts'

const failure = (code: SecretsError['code']) => failed('read', new SecretsError(code, 'it broke'))

describe('the exit code of a diagnosis', () => {
  it.each([
    [[], 0],
    [['UNAVAILABLE'], 69],
    [['UNAVAILABLE', 'PERMISSION_DENIED'], 77],
    [['PERMISSION_DENIED', 'INTEGRITY', 'CONFIGURATION'], 65],
    [['CONFIGURATION', 'DEADLINE_EXCEEDED'], 70],
    [['CREDENTIALS_MISSING', 'INTERNAL'], 77],
    [['NOT_FOUND', 'RATE_LIMITED'], 69],
  ] as const)('of failures %j is %i', (codes, exitCode) => {
    expect(exitCodeOfAll([ok('a', 'b'), ...codes.map(failure)], true)).toBe(exitCode)
  })

  it('counts warnings only if it is strict', () => {
    const findings = [ok('a', 'b'), warn('a', 'b', 'c'), notChecked('a', 'b')]
    expect([exitCodeOfAll(findings, false), exitCodeOfAll(findings, true)]).toEqual([0, 1])
    expect(exitCodeOfAll([...findings, failure('UNAVAILABLE')], true)).toBe(69)
  })
})

describe('a failure', () => {
  it('has what the error says, its remedy and its code', () => {
    const error = new SecretsError('UNAVAILABLE', 'the server is sealed', { remedy: 'unseal it' })
    expect(failed('reachable', error)).toEqual({
      status: 'fail',
      check: 'reachable',
      finding: 'the server is sealed (UNAVAILABLE)',
      remedy: 'unseal it',
      code: 'UNAVAILABLE',
    })
  })

  it('shows nothing of an unknown error', () => {
    expect(JSON.stringify(failed('read', new TypeError('canary-4711')))).not.toContain('canary')
  })
})
