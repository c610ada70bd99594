import { createSecretsManager, SecretsError, type SecretsErrorCode, type SecretsManager } from '@finchat/secrets-core'
import { type Fault, faults, memoryProvider, memorySharedCache } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { breakable } from './testing/manager-trial.ts'
import { now, onOwnClock } from './testing/own-clock.ts'

onOwnClock()

const refusals = ['DELETED', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'INTEGRITY'] as const
const outages = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RATE_LIMITED', 'CREDENTIALS_MISSING'] as const
const [ttlSeconds, maxStaleSeconds] = [10, 50]

type Says = 'value' | 'missing' | SecretsErrorCode
type Call = (secrets: SecretsManager) => Promise<unknown>

const calls: Readonly<Record<string, Call>> = {
  get: (secrets) => secrets.getSecret('token'),
  fresh: (secrets) => secrets.getSecret('token', { fresh: true }),
  volatile: (secrets) => secrets.getSecret('token', { autoCleanup: true }),
  'fresh volatile': (secrets) => secrets.getSecret('token', { fresh: true, autoCleanup: true }),
  batch: async (secrets) => (await secrets.getSecrets(['token', 'other'])).token,
  'fresh batch': async (secrets) => (await secrets.getSecrets(['token', 'other'], { fresh: true })).token,
  describe: async (secrets) => ((await secrets.describeSecret('token')).provider === 'later' ? 'old' : 'described'),
  verify: async (secrets) => ((await secrets.verifySecret('token', 'old', { acceptDegraded: true })) ? 'old' : 'none'),
  'verify what is wrong': async (secrets) => String(await secrets.verifySecret('token', 'guess')),
  'write a field': (secrets) => secrets.storeSecret('token', 'x', { field: 'a' }),
}

/** These may be answered from memory while that is read anew in the background. */
const refreshing = new Set(['get', 'batch'])

/** What the call answers, or the code that it fails with. */
async function answerOf(call: Call | undefined, secrets: SecretsManager): Promise<unknown> {
  try {
    return await call?.(secrets)
  } catch (error) {
    if (SecretsError.isInstance(error)) return error.code
    throw error
  } finally {
    await vi.advanceTimersByTimeAsync(0)
  }
}

/** One process, and when its store last refused it the secret or its description. */
class Process {
  readonly secrets: SecretsManager
  #refusedAt = -Infinity
  #undescribedAt = -Infinity

  constructor(shared: ReturnType<typeof memorySharedCache>, says: () => Says) {
    const store = breakable({ name: 'store', sharedAs: 'store', secrets: { token: 'new', other: 'x' } })
    store.plan = ({ method, args }) => {
      if (method === 'put') return faults.reject('UNAVAILABLE')
      if ([args[0]].flat().includes('token')) this.#recordAnswer(method, says())
      return faultOf(says(), args[0])
    }
    const later = memoryProvider({ name: 'later', secrets: { token: 'old', other: 'y' } })
    this.secrets = createSecretsManager({ providers: [store.provider, later], cache: { shared, ttlSeconds, maxStaleSeconds } })
  }

  get isRefused(): boolean {
    return isStanding(this.#refusedAt)
  }

  get isUndescribed(): boolean {
    return isStanding(this.#undescribedAt)
  }

  #recordAnswer(method: string, says: Says): void {
    if (refusals.some((code) => code === says)) {
      // The right to describe is one of its own.
      if (method === 'describe' && says === 'PERMISSION_DENIED') this.#undescribedAt = Date.now()
      else this.#refusedAt = Date.now()
    } else if (!isOut(says)) {
      this.#undescribedAt = -Infinity
      if (method !== 'describe') this.#refusedAt = -Infinity
    }
  }
}

function isStanding(since: number): boolean {
  return Date.now() - since < (ttlSeconds + maxStaleSeconds) * 1_000
}

function isOut(says: Says): boolean {
  return outages.some((code) => code === says)
}

function faultOf(says: Says, asked: unknown): Fault | undefined {
  if (says === 'value') return undefined
  if (says !== 'missing') return faults.reject(says)
  return faults.answer(Array.isArray(asked) ? asked.map(() => ({ status: 'fulfilled', value: undefined })) : undefined)
}

type Step =
  | { readonly do: 'call'; readonly who: number; readonly by: readonly string[] }
  | { readonly do: 'says'; readonly what: Says }
  | { readonly do: 'wait'; readonly ms: number }

const anyCall = fc.constantFrom(...Object.keys(calls))
const anySays = fc.constantFrom<Says>('value', 'value', 'missing', ...refusals, ...outages, ...outages)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('call' as const), who: fc.nat(1), by: fc.array(anyCall, { minLength: 1, maxLength: 2 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('says' as const), what: anySays }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2_000), fc.constantFrom(5_500, 9_000, 19_000, 31_000)) }),
  },
)

async function run(steps: readonly Step[]): Promise<void> {
  const shared = memorySharedCache()
  let says: Says = 'value'
  const fleet = [shared, shared.anotherProcess()].map((cache) => new Process(cache, () => says))
  vi.setSystemTime(now)
  for (const step of steps) {
    if (step.do === 'says') says = step.what
    else if (step.do === 'wait') vi.setSystemTime(Date.now() + step.ms)
    else {
      const asking = fleet[step.who]
      if (asking === undefined) throw new Error('there are two')
      const wasRefused = asking.isRefused
      const answers = await Promise.all(step.by.map((call) => answerOf(calls[call], asking.secrets)))
      if ((asking.isRefused || asking.isUndescribed) && isOut(says)) expect(answers).not.toContain('old')
      // Of two at once, one may have been answered before the other was refused, or from memory before its refresh was.
      const isOne = step.by.length === 1 && (wasRefused || !refreshing.has(String(step.by)))
      if (asking.isRefused && isOne) expect(answers).not.toContain('new')
    }
  }
}

it('what a process was refused comes back neither from memory nor a shared cache, and in an outage from no later provider', async () => {
  await expect(
    fc.assert(fc.asyncProperty(fc.array(anyStep, { minLength: 4, maxLength: 30 }), run), { numRuns: 500 }),
  ).resolves.toBeUndefined()
})
