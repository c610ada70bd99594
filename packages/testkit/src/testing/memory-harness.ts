import { SecretsError } from '@finchat/secrets-core'
import { faults, faultyProvider, hang, type Fault, type FaultPlan } from '../fakes/faulty-provider.ts'
import { memoryProviderOver, type MemoryProvider, type Reach } from '../fakes/memory-provider.ts'
import { createMemoryStore } from '../fakes/memory-store.ts'
import type { Breakage, Repair, ProviderHarness } from '../suites/provider/harness.ts'

const codes = {
  denied: 'PERMISSION_DENIED',
  unauthenticated: 'UNAUTHENTICATED',
  unreachable: 'UNAVAILABLE',
  throttled: 'RATE_LIMITED',
  garbage: 'INTEGRITY',
  failing: 'UNAVAILABLE',
} as const

/** The memory provider over a store that can be broken, for the suite's own tests. */
export async function memoryHarness(): Promise<ProviderHarness> {
  const store = createMemoryStore()
  const state: { broken: Breakage | undefined; requests: number; secretRequests: number } = {
    broken: undefined,
    requests: 0,
    secretRequests: 0,
  }
  const reach: Reach = async ({ signal }) => {
    state.requests += 1
    if (state.broken === 'hung') await hang(signal)
    else if (state.broken === 'lost' || state.broken === 'garbled') return
    else if (state.broken !== undefined) throw new SecretsError(codes[state.broken], `the store is ${state.broken}`)
  }
  const breakIt = (breakage: Breakage) => async (): Promise<Repair> => {
    state.broken = breakage
    return async () => void (state.broken = undefined)
  }
  return {
    provider: planned(memoryProviderOver(store, {}, reach), ({ method }) => {
      if (method !== 'checkHealth') state.secretRequests += 1
      return loses.has(method) ? unansweredBy(state.broken) : undefined
    }),
    seed: async (path, value) => store.seed(path, value),
    withdraw: async (path) => store.withdraw(path, false),
    breakStore: {
      denied: breakIt('denied'),
      unauthenticated: breakIt('unauthenticated'),
      unreachable: breakIt('unreachable'),
      hung: breakIt('hung'),
      throttled: breakIt('throttled'),
      garbage: breakIt('garbage'),
      failing: breakIt('failing'),
      lost: breakIt('lost'),
      garbled: breakIt('garbled'),
    },
    requests: () => state.requests,
    secretRequests: () => state.secretRequests,
    close: async () => store.clear(),
  }
}

function unansweredBy(broken: Breakage | undefined): Fault | undefined {
  if (broken === 'lost') return faults.loseAnswer()
  return broken === 'garbled' ? garble : undefined
}

const garble: Fault = async ({ context }, next) => {
  await next(context)
  throw new SecretsError('INTERNAL', 'the answer is none of the store', { effect: 'unknown' })
}

/** Answers of these are lost or garbled while the store loses or garbles them. */
const loses: ReadonlySet<string> = new Set(['put', 'tag', 'delete', 'restore', 'staging.put', 'staging.promote', 'staging.discard'])

/** All other members stay. */
function planned(provider: MemoryProvider, plan: FaultPlan): MemoryProvider {
  return { ...faultyProvider(provider, plan), list: provider.list }
}
