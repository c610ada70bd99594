import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import type { FallbackPolicy } from './fallback-policy.ts'
import type { FallbackAction } from '../errors/error-classes.ts'
import { SecretNotFoundError, SecretsError, withContext } from '../errors/secrets-error.ts'
import { FallbackTraversal } from './chain.ts'

/** What one store of a chain says: its value, that there is none, or a failure's code. */
type Saying = 'value' | 'missing' | SecretsErrorCode

/** What came of a chain: the answering store and its mark, or the code of the end. */
type Outcome = { readonly by: number; readonly degraded: boolean } | { readonly code: string; readonly by?: number }

/** Traversals as the chain does. */
function walked(
  sayings: readonly Saying[],
  policies: readonly (FallbackPolicy | undefined)[],
): Outcome & { asked: number; error?: SecretsError } {
  const traversal = new FallbackTraversal('db', [...sayings.keys()], policies)
  let asked = 0
  try {
    for (let step = traversal.step; step !== undefined; step = traversal.step) {
      asked += 1
      const saying = sayings[step]
      if (saying === 'value') return { by: step, degraded: traversal.degraded, asked }
      if (saying === 'missing') traversal.missing(`p${step}`, 3)
      else traversal.failed(`p${step}`, new SecretsError(saying as SecretsErrorCode, 'it said no'), 3)
    }
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    return { code: error.code, by: asked - 1, asked, error }
  }
  const error = traversal.end()
  return { code: error.code, asked, error }
}

/** The policy as the design's table states it, written without a look at the traversal. */
const goOn: readonly string[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'CREDENTIALS_MISSING', 'UNSUPPORTED']
const neverOverridden: readonly string[] = ['ABORTED', 'NOT_FOUND', 'AUDIT_FAILED']
const overridable = [
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RATE_LIMITED',
  'CREDENTIALS_MISSING',
  'UNSUPPORTED',
  'DELETED',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'VERSION_CONFLICT',
  'INTEGRITY',
  'CONFIGURATION',
  'INTERNAL',
] as const

function action(code: string, manager: Record<string, FallbackAction>, call: Record<string, FallbackAction>): FallbackAction {
  const byTable = goOn.includes(code) ? 'next' : 'stop'
  return neverOverridden.includes(code) ? byTable : (call[code] ?? manager[code] ?? byTable)
}

function reference(sayings: readonly Saying[], manager: Record<string, FallbackAction>, call: Record<string, FallbackAction>): Outcome {
  const passed: string[] = []
  for (const [by, saying] of sayings.entries()) {
    // A store that lacks the selector says nothing of the others' answers; every other failure leaves a doubt.
    if (saying === 'value') return { by, degraded: passed.some((each) => each !== 'UNSUPPORTED') }
    if (saying === 'missing') continue
    // A store that lacks the version is no proof that one which could not be asked has it not.
    if (saying === 'NOT_FOUND' && passed.some((each) => each !== 'UNSUPPORTED')) return { code: 'UNAVAILABLE', by }
    if (action(saying, manager, call) === 'stop') return { code: saying, by }
    passed.push(saying)
  }
  if (passed.length === 0) return { code: 'NOT_FOUND' }
  if (passed.some((each) => goOn.includes(each) && each !== 'UNSUPPORTED')) return { code: 'UNAVAILABLE' }
  // An answer that was overridden is the truth when nobody behind it had another.
  return { code: passed.find((each) => !goOn.includes(each)) ?? 'UNSUPPORTED' }
}

describe('FallbackTraversal', () => {
  it('ends as the table says, for every chain and every override', () => {
    const code = fc.constantFrom<Saying>(...overridable, 'ABORTED', 'NOT_FOUND', 'AUDIT_FAILED', 'OF_A_LATER_RELEASE' as Saying)
    const chain = fc.array(fc.oneof(fc.constantFrom<Saying>('value', 'missing', 'UNAVAILABLE', 'UNSUPPORTED'), code), { maxLength: 5 })
    const policy = fc.dictionary(fc.constantFrom(...overridable), fc.constantFrom<FallbackAction>('next', 'stop'), { maxKeys: 5 })
    fc.assert(
      fc.property(chain, policy, policy, (sayings, manager, call) => {
        const { asked, error: _, ...outcome } = walked(sayings, [manager, call])
        expect(outcome).toEqual(reference(sayings, manager, call))
        expect(asked).toBe((outcome.by ?? sayings.length - 1) + 1)
      }),
      { numRuns: 500 },
    )
  })

  it('marks an answer as degraded behind a refusal that the policy overrides', () => {
    expect(walked(['PERMISSION_DENIED', 'value'], [{ PERMISSION_DENIED: 'next' }])).toEqual({ by: 1, degraded: true, asked: 2 })
    expect(walked(['missing', 'value'], [])).toEqual({ by: 1, degraded: false, asked: 2 })
  })

  it('says not found only if every store said so', () => {
    const { error } = walked(['missing', 'missing'], [])
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(error).toMatchObject({
      message: "Secret 'db' not found in any provider",
      attempts: [{ provider: 'p0', code: 'NOT_FOUND', durationMs: 3 }, { provider: 'p1' }],
    })
    expect(error?.remedy).toBeUndefined()
  })

  it('says not found for a name that no provider holds, and why no store was asked', () => {
    const { error } = walked([], [])
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(error).toMatchObject({
      message: "Secret 'db' not found in any provider",
      remedy: 'no provider holds this name (see names and onlyNamed)',
      attempts: [],
    })
  })

  it("lists each provider's answer if one was unreachable", () => {
    const { error } = walked(['missing', 'RATE_LIMITED', 'CREDENTIALS_MISSING'], [])
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      secret: 'db',
      attempts: [{ code: 'NOT_FOUND' }, { code: 'RATE_LIMITED' }, { code: 'CREDENTIALS_MISSING' }],
    })
    expect(error?.message).toContain('p1 said RATE_LIMITED, it said no; p2 said CREDENTIALS_MISSING, it said no')
  })

  it('says why the one provider was unreachable, and gives its remedy', () => {
    const traversal = new FallbackTraversal('db', [0, 1], [])
    const remedy = 'mount it, or correct its path'
    traversal.failed('vault', new SecretsError('CREDENTIALS_MISSING', 'the file of secretId does not exist', { remedy }), 3)
    traversal.missing('env', 0)
    const error = traversal.end()
    expect(error.message).toBe(
      "Secret 'db': not every provider could be asked, so whether it exists is not known: vault said CREDENTIALS_MISSING, the file of secretId does not exist (mount it, or correct its path)",
    )
    expect(error).toMatchObject({ code: 'UNAVAILABLE', remedy })
    expect(error.attempts).toEqual([
      { provider: 'vault', code: 'CREDENTIALS_MISSING', durationMs: 3, message: 'the file of secretId does not exist', remedy },
      { provider: 'env', code: 'NOT_FOUND', durationMs: 0 },
    ])
  })

  it('gives the reason of each of several, and names the provider of the remedy', () => {
    const traversal = new FallbackTraversal('db', [0, 1, 2], [])
    traversal.failed('aws', new SecretsError('DEADLINE_EXCEEDED', 'no answer within 5000 ms'), 3)
    traversal.failed('vault', new SecretsError('UNAVAILABLE', `${'sealed '.repeat(40)}\nsecond line`, { remedy: 'unseal it' }), 3)
    traversal.failed('local', new SecretsError('UNAVAILABLE', 'held by another process', { remedy: 'end it' }), 3)
    const { message, remedy, attempts } = traversal.end()
    expect(message).toMatch(
      /: aws said DEADLINE_EXCEEDED, no answer within 5000 ms; vault said UNAVAILABLE, (sealed ){10,20}s…; local said UNAVAILABLE, held by another process \(vault: unseal it\)$/,
    )
    expect([remedy, attempts?.[1]?.message?.length, attempts?.[2]?.remedy]).toEqual(['vault: unseal it', 292, 'end it'])
  })

  it('says why the only provider could not read the secret', () => {
    const traversal = new FallbackTraversal('db', [0], [])
    traversal.failed('kv', new SecretsError('UNAVAILABLE', 'the connection was refused', { remedy: 'start it' }), 3)
    const error = traversal.end()
    expect(error.message).toBe("Secret 'db' cannot be read: kv said UNAVAILABLE, the connection was refused (start it)")
    expect(withContext(error, { provider: 'kv' }).message).not.toMatch(/Secret.*Secret/)
    expect(error).toMatchObject({ code: 'UNAVAILABLE', secret: 'db', remedy: 'start it' })
  })

  it('gives the earliest retry time of the failed providers', () => {
    const traversal = new FallbackTraversal('db', [0, 1, 2, 3], [])
    traversal.failed('aws', new SecretsError('RATE_LIMITED', 'x', { retryAt: 3_000 }), 0)
    traversal.failed('vault', new SecretsError('UNAVAILABLE', 'x', { retryAt: 2_000 }), 0)
    traversal.failed('kv', new SecretsError('UNAVAILABLE', 'x', { retryAt: NaN }), 0)
    traversal.failed('local', new SecretsError('UNAVAILABLE', 'x'), 0)
    const error = traversal.end()
    expect(error.retryAt).toBe(2_000)
    expect(error.attempts?.map(({ retryAt }) => retryAt)).toEqual([3_000, 2_000, NaN, undefined])
    expect(traversal.notSure('env').retryAt).toBe(2_000)
    const silent = new FallbackTraversal('db', [0], [])
    silent.failed('kv', new SecretsError('UNAVAILABLE', 'x'), 0)
    expect('retryAt' in JSON.parse(JSON.stringify(silent.end()))).toBe(false)
  })

  it('gives the reason of a provider that does not support the call', () => {
    const traversal = new FallbackTraversal('db', [0], [])
    traversal.failed('env', new SecretsError('UNSUPPORTED', 'the provider keeps no versions', { remedy: 'ask for the current one' }), 0)
    expect(traversal.end()).toMatchObject({
      code: 'UNSUPPORTED',
      message:
        "Secret 'db': no provider that can answer this has the secret: env said UNSUPPORTED, the provider keeps no versions (ask for the current one)",
      attempts: [{ provider: 'env', message: 'the provider keeps no versions', remedy: 'ask for the current one' }],
    })
  })

  it('takes only code, problem and remedy of a failure', () => {
    const canary = 'canary-of-walk-5t'
    const strangers: object = { cause: canary, value: canary, attempts: [{ provider: canary, code: canary }], storeStatus: canary }
    const failure = Object.assign(new SecretsError('UNAVAILABLE', 'sealed', strangers), { body: canary, [canary]: canary })
    const traversal = new FallbackTraversal('db', [0, 1], [])
    traversal.failed('p0', failure, 0)
    traversal.failed('p1', failure, 0)
    const error = traversal.end()
    expect(inspect(error, { showHidden: true, depth: 9 }) + JSON.stringify(error)).not.toContain(canary)
    const denied = new FallbackTraversal('db', [0, 1], [])
    denied.failed('p0', failure, 0)
    try {
      denied.failed('p1', new SecretsError('PERMISSION_DENIED', 'denied'), 0)
    } catch (stopped) {
      expect(stopped).toMatchObject({
        attempts: [{ message: 'sealed' }, { message: 'denied', remedy: expect.stringContaining('grant it') }],
      })
      expect(inspect(stopped, { showHidden: true, depth: 9 }) + JSON.stringify(stopped)).not.toContain(canary)
    }
    expect.assertions(3)
  })

  it('ends with the first of several overridden answers', () => {
    const { error } = walked(['DELETED', 'PERMISSION_DENIED', 'missing'], [{ DELETED: 'next', PERMISSION_DENIED: 'next' }])
    expect(error).toMatchObject({ code: 'DELETED', provider: 'p0' })
  })

  it('ends with the overridden answer if no later provider had the secret', () => {
    const { error } = walked(['DELETED', 'missing'], [{ DELETED: 'next' }])
    expect(error).toMatchObject({ code: 'DELETED', provider: 'p0' })
  })

  it.each([
    [
      'PERMISSION_DENIED',
      /^Secret 'db', provider 'p1': it said no \(grant it, or route the name away from 'p1' with names and onlyNamed\)$/,
    ],
    ['UNAUTHENTICATED', /'p1'.*renew the credential of 'p1'/],
    ['DELETED', /'p1'.*restore it in 'p1', or purge it there/],
    ['INTEGRITY', /^Secret 'db', provider 'p1': it said no$/],
  ] as const)('names the provider and the remedy where it stops: %s', (code, message) => {
    expect(walked(['missing', code], []).error?.message).toMatch(message)
  })

  it("keeps a provider's own remedy and details", () => {
    const traversal = new FallbackTraversal('db', [0], [])
    const denial = new SecretsError('PERMISSION_DENIED', 'denied', { remedy: 'ask Ada', storeStatus: '403', storeRequestId: 'r-1' })
    expect(() => traversal.failed('p0', denial, 0)).toThrow(
      expect.objectContaining({ remedy: 'ask Ada', storeStatus: '403', storeRequestId: 'r-1', secret: 'db', provider: 'p0' }),
    )
  })
})
