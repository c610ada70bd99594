import { createSecretsManager, SecretsError, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { readOnly } from './testing/manager-trial.ts'
import { onOwnClock } from './testing/own-clock.ts'

onOwnClock({ random: 0 }) // no back-off: every failure may be asked about again at once

/** What one store of a chain says: its value, that there is none, or a failure's code. */
type Saying = 'value' | 'missing' | SecretsErrorCode
type Outcome = { readonly by: number; readonly stale: boolean; readonly degraded: boolean } | { readonly code: SecretsErrorCode }

const outages: readonly Saying[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED']
const goOn: readonly Saying[] = [...outages, 'CREDENTIALS_MISSING', 'UNSUPPORTED']

const isRefusal = (saying: Saying | undefined): saying is SecretsErrorCode =>
  saying !== undefined && saying !== 'value' && saying !== 'missing' && !goOn.includes(saying)

/** The policy as the README's table states it, of stores that hold a value or refused the secret before, or neither. */
function reference(sayings: readonly Saying[], held: readonly boolean[], refused: readonly (SecretsErrorCode | undefined)[]): Outcome {
  let degraded = false
  let unsupported = false
  for (const [by, saying] of sayings.entries()) {
    if (saying === 'value') return { by, stale: false, degraded }
    if (outages.includes(saying) && held[by] === true) return { by, stale: true, degraded }
    if (saying === 'missing') continue
    const before = refused[by]
    if (before !== undefined && goOn.includes(saying) && saying !== 'UNSUPPORTED') return { code: before }
    if (!goOn.includes(saying)) return { code: saying }
    if (saying === 'UNSUPPORTED') unsupported = true
    else degraded = true
  }
  if (degraded) return { code: 'UNAVAILABLE' }
  return { code: unsupported ? 'UNSUPPORTED' : 'NOT_FOUND' }
}

/** Which store refused the secret at a first read: the one that ended it. */
function refusedAfter(sayings: readonly Saying[]): readonly (SecretsErrorCode | undefined)[] {
  const last = sayings.findIndex((saying) => saying === 'value' || isRefusal(saying))
  return sayings.map((saying, index) => (index === last && isRefusal(saying) ? saying : undefined))
}

/** Which stores hold a value after a first read: the one that answered it. */
function heldAfter(sayings: readonly Saying[]): readonly boolean[] {
  const outcome = reference(sayings, [], [])
  return sayings.map((_, index) => 'by' in outcome && outcome.by === index)
}

function said(saying: Saying, name: string): Promise<StoredSecret | undefined> {
  if (saying === 'value') return Promise.resolve({ value: name })
  return saying === 'missing' ? Promise.resolve(undefined) : Promise.reject(new SecretsError(saying, 'it said no'))
}

const ours: readonly Saying[] = ['DELETED', 'UNAUTHENTICATED', 'PERMISSION_DENIED', 'INTEGRITY', 'CONFIGURATION', 'INTERNAL']
const saying = fc.oneof(fc.constantFrom<Saying>('value', 'missing'), fc.constantFrom(...goOn), fc.constantFrom(...ours))
const chains = fc.integer({ min: 1, max: 4 }).chain((length) => {
  const chain = fc.array(saying, { minLength: length, maxLength: length })
  return fc.tuple(chain, chain)
})

/** What came of two reads, the second when nothing is fresh any more, but what is held may still stand in. */
async function read(first: readonly Saying[], second: readonly Saying[]): Promise<Outcome> {
  let sayings = first
  const providers = first.map((_, index) => readOnly(`p${index}`, async () => said(sayings[index] ?? 'missing', `p${index}`)))
  const manager = createSecretsManager({ providers, cache: { ttlSeconds: 10 } })
  await Promise.allSettled([manager.getSecretValue('token')])
  sayings = second
  vi.setSystemTime(Date.now() + 15_000)
  try {
    const { provider, stale, degraded } = await manager.getSecretValue('token')
    return { by: Number(provider.slice(1)), stale, degraded }
  } catch (error) {
    if (SecretsError.isInstance(error)) return { code: error.code }
    throw error
  }
}

it('a chain of stores that hold a value or not answers as the table of the policy says, whatever they say', async () => {
  await expect(
    fc.assert(
      fc.asyncProperty(chains, async ([first, second]) => {
        expect(await read(first, second)).toEqual(reference(second, heldAfter(first), refusedAfter(first)))
      }),
      { numRuns: 500 },
    ),
  ).resolves.toBeUndefined()
})
