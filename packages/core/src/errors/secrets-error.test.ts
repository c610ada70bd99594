import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { withContext, withDetails, SecretNotFoundError, SecretsError } from './secrets-error.ts'

const canary = 'canary-7d02'

/** As a second copy of this package in the same tree would make it. */
function foreign(code: string): object {
  return Object.assign(new Error('of another copy'), { code, [Symbol.for('@finchat/secrets/error')]: true })
}

describe('SecretsError', () => {
  it.each([
    [{}, 'it broke'],
    [{ secret: 'db' }, "Secret 'db': it broke"],
    [{ provider: 'aws' }, "provider 'aws': it broke"],
    [{ secret: 'db', provider: 'aws', remedy: 'mend it' }, "Secret 'db', provider 'aws': it broke (mend it)"],
  ])('shows the secret, the provider, the problem and the remedy: %o', (details, message) => {
    expect(new SecretsError('INTERNAL', 'it broke', details).message).toBe(message)
  })

  it('carries only its code and the given details', () => {
    const details = {
      retryAt: 5,
      effect: 'done',
      storeStatus: '503',
      storeRequestId: 'r-1',
      attempts: [{ provider: 'a', code: 'UNAVAILABLE', durationMs: 2 }],
    } as const
    const error = new SecretsError('UNAVAILABLE', 'it broke', details)
    expect({ ...error }).toEqual({ code: 'UNAVAILABLE', ...details })
    expect(error.toJSON()).toEqual({ name: 'SecretsError', code: 'UNAVAILABLE', message: 'it broke', ...details })
    expect(error).toMatchObject({ name: 'SecretsError', problem: 'it broke' })
  })

  it('keeps only allowlisted members, and no cause', () => {
    const strangers: object = { cause: new Error(canary), request: { headers: canary }, value: canary }
    const error = new SecretsError('INTERNAL', 'it broke', strangers)
    expect(inspect(error, { showHidden: true, depth: 9 }) + JSON.stringify(error) + String(error)).not.toContain(canary)
    expect(error.cause).toBeUndefined()
  })

  it('keeps only allowlisted members of an attempt', () => {
    const attempt = { provider: 'a', code: 'UNAVAILABLE', durationMs: 2, message: 'sealed', remedy: 'unseal it' } as const
    const strange = { ...attempt, request: { token: canary }, cause: new Error(canary) }
    const { attempts } = new SecretsError('UNAVAILABLE', 'it broke', { attempts: [strange] })
    expect(attempts).toEqual([attempt])
    expect(inspect(attempts, { showHidden: true, depth: 9 })).not.toContain(canary)
  })

  it.each([
    ['its own', new SecretsError('INTERNAL', 'x'), true],
    ["another copy's", foreign('INTERNAL'), true],
    ['another error', new Error('x'), false],
    ['an heir of one', Object.create(new SecretsError('INTERNAL', 'x')), false],
    ['null', null, false],
    ['text', 'INTERNAL', false],
  ])('recognises %s by the marker', (_, candidate, is) => {
    expect(SecretsError.isInstance(candidate)).toBe(is)
  })
})

describe('SecretNotFoundError', () => {
  it('keeps the sentence that users know', () => {
    const error = new SecretNotFoundError('api_key')
    expect(error.message).toBe("Secret 'api_key' not found in any provider")
    expect(error).toMatchObject({ name: 'SecretNotFoundError', code: 'NOT_FOUND', secret: 'api_key' })
    expect(error).toBeInstanceOf(SecretsError)
  })

  it('keeps that sentence beside a remedy', () => {
    const error = new SecretNotFoundError('api_key', { remedy: 'store it' })
    expect([error.message, error.remedy]).toEqual(["Secret 'api_key' not found in any provider", 'store it'])
  })

  it('is recognised by instanceof in any copy, only with its code', () => {
    expect(new SecretsError('NOT_FOUND', 'x') instanceof SecretNotFoundError).toBe(true)
    expect(foreign('NOT_FOUND') instanceof SecretNotFoundError).toBe(true)
    expect(new SecretsError('UNAVAILABLE', 'x') instanceof SecretNotFoundError).toBe(false)
    expect(new Error('NOT_FOUND') instanceof SecretNotFoundError).toBe(false)
  })
})

describe('withDetails', () => {
  it('replaces these details and keeps the others', () => {
    const error = new SecretsError('RATE_LIMITED', 'slow down', { secret: 'db', retryAt: 7, remedy: 'wait' })
    const details = { code: 'RATE_LIMITED', problem: 'slow down', secret: 'db', retryAt: 9, effect: 'unknown', remedy: undefined }
    expect(withDetails(error, { retryAt: 9, effect: 'unknown', remedy: undefined })).toMatchObject(details)
    expect(error.retryAt).toBe(7)
  })

  it('takes an error of another copy of the package', () => {
    const error: unknown = foreign('DELETED')
    if (!SecretsError.isInstance(error)) throw new Error('it is not taken for one')
    expect(withDetails(error, { effect: 'done' }).toJSON()).toMatchObject({ code: 'DELETED', message: 'of another copy', effect: 'done' })
  })
})

describe('withContext', () => {
  it('adds secret and provider where the error has none', () => {
    const error = withContext(new SecretsError('RATE_LIMITED', 'slow down', { provider: 'inner', retryAt: 7, remedy: 'wait' }), {
      secret: 'db',
      provider: 'outer',
    })
    expect(error.message).toBe("Secret 'db', provider 'inner': slow down (wait)")
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAt: 7, secret: 'db', provider: 'inner' })
  })

  it('changes nothing when it is applied again', () => {
    const once = withContext(new SecretsError('INTERNAL', 'x'), { secret: 'db' })
    expect(withContext(once, { secret: 'db', provider: 'p' }).message).toBe("Secret 'db', provider 'p': x")
  })

  it('uses the message of an error of another copy', () => {
    const error = foreign('INTERNAL')
    if (!SecretsError.isInstance(error)) throw new Error('not recognised')
    expect(withContext(error, { provider: 'p' }).message).toBe("provider 'p': of another copy")
  })

  const marks = [
    '\0',
    '\t',
    '\r',
    '\u001b[31m',
    '\u007f',
    '\u0085',
    '\u009b',
    '\u061c',
    '\u200b',
    '\u200e',
    '\u2028',
    '\u2029',
    '\u202e',
    '\u2066',
    '\ufeff',
    '\ud800',
    '\u{e0041}',
  ]

  it.each(marks)('shows the invisible character %j in each text', (mark) => {
    const text = `a${mark}b`
    const attempts = [{ provider: text, code: 'UNAVAILABLE', durationMs: 0, message: text, remedy: text } as const]
    const details = { remedy: text, secret: text, provider: text, storeStatus: text, storeRequestId: text, attempts }
    const errors = [new SecretsError('UNAVAILABLE', text, details), new SecretNotFoundError(text, { problem: text, attempts })]
    for (const error of errors) {
      const shown = Object.values(error.toJSON()).flatMap((value) => (Array.isArray(value) ? value.flatMap(Object.values) : [value]))
      for (const each of [...shown, error.problem, error.message]) expect(String(each)).not.toContain(mark)
      expect(error.problem).toMatch(/^a\\u\{[0-9a-f]+\}/)
      expect(error.message).toContain(error.problem)
    }
  })

  it('does not change other text', () => {
    const text = 'a "b"\n  c: é 秘密 😀 \\'
    expect(new SecretsError('UNAVAILABLE', text)).toMatchObject({ problem: text, message: text })
  })
})
