import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SecretsErrorCode } from './contract.ts'
import type { FallbackPolicy, Verdict } from './policy.ts'
import { SecretNotFoundError, SecretsError } from './secrets-error.ts'
import { Walk } from './walk.ts'

/** What one store of a chain says: its value, that there is none, or a failure's code. */
type Saying = 'value' | 'missing' | SecretsErrorCode

/** What came of a chain: the answering store and its mark, or the code of the end. */
type Outcome = { readonly by: number; readonly degraded: boolean } | { readonly code: string; readonly by?: number }

/** Walks as the chain does. */
function walked(
  sayings: readonly Saying[],
  policies: readonly (FallbackPolicy | undefined)[],
): Outcome & { asked: number; error?: SecretsError } {
  const walk = new Walk('db', [...sayings.keys()], policies)
  let asked = 0
  try {
    for (let step = walk.step; step !== undefined; step = walk.step) {
      asked += 1
      const saying = sayings[step]
      if (saying === 'value') return { by: step, degraded: walk.degraded, asked }
      if (saying === 'missing') walk.missing(`p${step}`, 3)
      else walk.failed(`p${step}`, new SecretsError(saying as SecretsErrorCode, 'it said no'), 3)
    }
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    return { code: error.code, by: asked - 1, asked, error }
  }
  const error = walk.end()
  return { code: error.code, asked, error }
}

/** The policy as the design's table states it, written without a look at the walk. */
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

function verdict(code: string, manager: Record<string, Verdict>, call: Record<string, Verdict>): Verdict {
  const byTable = goOn.includes(code) ? 'next' : 'stop'
  return neverOverridden.includes(code) ? byTable : (call[code] ?? manager[code] ?? byTable)
}

function reference(sayings: readonly Saying[], manager: Record<string, Verdict>, call: Record<string, Verdict>): Outcome {
  const passed: string[] = []
  for (const [by, saying] of sayings.entries()) {
    // A store that lacks the selector says nothing of the others' answers; every other failure leaves a doubt.
    if (saying === 'value') return { by, degraded: passed.some((each) => each !== 'UNSUPPORTED') }
    if (saying === 'missing') continue
    // A store that lacks the version is no proof that one which could not be asked has it not.
    if (saying === 'NOT_FOUND' && passed.some((each) => each !== 'UNSUPPORTED')) return { code: 'UNAVAILABLE', by }
    if (verdict(saying, manager, call) === 'stop') return { code: saying, by }
    passed.push(saying)
  }
  if (passed.length === 0) return { code: 'NOT_FOUND' }
  if (passed.some((each) => goOn.includes(each) && each !== 'UNSUPPORTED')) return { code: 'UNAVAILABLE' }
  // An answer that was overridden is the truth when nobody behind it had another.
  return { code: passed.find((each) => !goOn.includes(each)) ?? 'UNSUPPORTED' }
}

describe('Walk', () => {
  it('ends as the table says, for every chain and every override', () => {
    const code = fc.constantFrom<Saying>(...overridable, 'ABORTED', 'NOT_FOUND', 'AUDIT_FAILED', 'OF_A_LATER_RELEASE' as Saying)
    const chain = fc.array(fc.oneof(fc.constantFrom<Saying>('value', 'missing', 'UNAVAILABLE', 'UNSUPPORTED'), code), { maxLength: 5 })
    const policy = fc.dictionary(fc.constantFrom(...overridable), fc.constantFrom<Verdict>('next', 'stop'), { maxKeys: 5 })
    fc.assert(
      fc.property(chain, policy, policy, (sayings, manager, call) => {
        const { asked, error: _, ...outcome } = walked(sayings, [manager, call])
        expect(outcome).toEqual(reference(sayings, manager, call))
        expect(asked).toBe((outcome.by ?? sayings.length - 1) + 1)
      }),
      { numRuns: 500 },
    )
  })

  it('says not found, to the letter, only when every store said so', () => {
    const { error } = walked(['missing', 'missing'], [])
    expect(error).toBeInstanceOf(SecretNotFoundError)
    expect(error).toMatchObject({
      message: "Secret 'db' not found in any provider",
      attempts: [{ provider: 'p0', code: 'NOT_FOUND', durationMs: 3 }, { provider: 'p1' }],
    })
  })

  it('says not found for a name that no provider holds', () => {
    expect(walked([], []).error).toBeInstanceOf(SecretNotFoundError)
  })

  it('lists what each provider said when one could not be asked', () => {
    const { error } = walked(['missing', 'RATE_LIMITED', 'CREDENTIALS_MISSING'], [])
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      secret: 'db',
      attempts: [{ code: 'NOT_FOUND' }, { code: 'RATE_LIMITED' }, { code: 'CREDENTIALS_MISSING' }],
    })
    expect(error?.message).toContain('p0: NOT_FOUND, p1: RATE_LIMITED, p2: CREDENTIALS_MISSING')
  })

  it('ends with the answer that was overridden when nobody behind it had another', () => {
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
    const walk = new Walk('db', [0], [])
    const denial = new SecretsError('PERMISSION_DENIED', 'denied', { remedy: 'ask Ada', storeStatus: '403', storeRequestId: 'r-1' })
    expect(() => walk.failed('p0', denial, 0)).toThrow(
      expect.objectContaining({ remedy: 'ask Ada', storeStatus: '403', storeRequestId: 'r-1', secret: 'db', provider: 'p0' }),
    )
  })
})
