import { SecretNotFoundError, SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { describe, expect, it } from 'vitest'
import { exitCodeOf } from './exit-codes.ts'
import { CommandError, failureOf, InterruptedError, UsageError } from './failure.ts'
import { failureText } from './print-failure.ts'

const codes: Readonly<Record<SecretsErrorCode, number>> = {
  INVALID_ARGUMENT: 64,
  INTEGRITY: 65,
  NOT_FOUND: 66,
  DELETED: 66,
  UNAVAILABLE: 69,
  DEADLINE_EXCEEDED: 69,
  RATE_LIMITED: 69,
  PERMISSION_DENIED: 77,
  CREDENTIALS_MISSING: 77,
  UNAUTHENTICATED: 77,
  ABORTED: 70,
  VERSION_CONFLICT: 70,
  UNSUPPORTED: 70,
  CONFIGURATION: 70,
  AUDIT_FAILED: 70,
  INTERNAL: 70,
}

describe('failureOf', () => {
  it.each(Object.entries(codes))('of %s has exit code %i, and a remedy', (code, exitCode) => {
    const known = code as SecretsErrorCode // its key
    expect(exitCodeOf(known)).toBe(exitCode)
    const failure = failureOf(new CommandError('A could not be read', new SecretsError(known, 'the reason')))
    expect(failure).toMatchObject({ what: 'A could not be read', why: `the reason (${code})`, code, exitCode })
    expect(failure.remedy).not.toBe('')
  })

  it('gives a code that it does not know the code of any other error', () => {
    expect(failureOf(new SecretsError('NEW' as SecretsErrorCode, 'x'))).toMatchObject({ exitCode: 70, code: 'NEW' })
  })

  it("has the error's own remedy, and the reason of each provider that failed", () => {
    const attempts = [
      { provider: 'vault', code: 'UNAVAILABLE', durationMs: 1, message: 'connection refused' },
      { provider: 'env', code: 'NOT_FOUND', durationMs: 1 },
    ] as const
    const failure = failureOf(
      new SecretsError('UNAVAILABLE', 'could not be read', { attempts, provider: 'vault', remedy: 'start it', effect: 'unknown' }),
    )
    expect(failure.why).toBe(
      "provider 'vault': could not be read (UNAVAILABLE); it may have happened all the same\nvault: connection refused (UNAVAILABLE)",
    )
    expect(failure.remedy).toBe('start it')
  })

  it.each<[number, readonly SecretsErrorCode[]]>([
    [77, ['CREDENTIALS_MISSING', 'NOT_FOUND']],
    [77, ['UNAUTHENTICATED', 'CREDENTIALS_MISSING']],
    [69, ['CREDENTIALS_MISSING', 'UNAVAILABLE']],
    [69, ['NOT_FOUND']],
    [69, []],
  ])('has exit code %i if the providers said %j and nothing more is known', (exitCode, said) => {
    const attempts = said.map((code) => ({ provider: 'a', code, durationMs: 1 }))
    expect(failureOf(new SecretsError('UNAVAILABLE', 'not asked', { attempts }))).toMatchObject({ code: 'UNAVAILABLE', exitCode })
    expect(failureOf(new SecretsError('INTEGRITY', 'altered', { attempts })).exitCode).toBe(65)
  })

  it('says it in other words where the command has some', () => {
    const failure = failureOf(new CommandError('x', new SecretNotFoundError('A', { remedy: 'set B' }), (text) => text.replace('B', 'C')))
    expect(failure.remedy).toBe('set C')
  })

  it('shows nothing of an unknown error but its class', () => {
    const shown = [new TypeError('canary'), 'canary', { canary: 1 }].map((error) => failureOf(new CommandError('x', error)).why)
    expect(shown).toEqual(['an unexpected error (TypeError)', 'an unexpected error (string)', 'an unexpected error (object)'])
  })

  it('tells wrong usage and an interruption apart', () => {
    expect(failureOf(new UsageError('wrong', 'right'))).toMatchObject({ why: 'wrong', remedy: 'right', code: 'USAGE', exitCode: 64 })
    expect(failureOf(new CommandError('x', new InterruptedError()))).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 })
  })
})

describe('failureText', () => {
  const failure = { what: 'a\u001b[2J', why: 'b\nc', remedy: 'd', code: 'USAGE', exitCode: 64 }

  it('has three lines, further ones indented, and nothing that a terminal obeys', () => {
    expect(failureText(failure, false, false)).toBe('error: a\\u{1b}[2J\nwhy:   b\n       c\nfix:   d\n')
  })

  it('is coloured on request', () => {
    expect(failureText(failure, false, true)).toContain('\u001b[1m\u001b[31merror:')
  })

  it('is one JSON object in a line', () => {
    expect(JSON.parse(failureText(failure, true, true))).toEqual({ error: failure })
    expect(failureText(failure, true, true).trimEnd()).not.toContain('\n')
  })
})
