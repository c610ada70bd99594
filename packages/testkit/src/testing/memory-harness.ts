import { SecretsError } from '@finchat/secrets-core'
import { faults, faultyProvider, hang, type FaultPlan } from '../fakes/faulty-provider.ts'
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
    else if (state.broken === 'lost') return
    else if (state.broken !== undefined) throw new SecretsError(codes[state.broken], `the store is ${state.broken}`)
  }
  const breakIt = (breakage: Breakage) => async (): Promise<Repair> => {
    state.broken = breakage
    return async () => void (state.broken = undefined)
  }
  return {
    provider: planned(memoryProviderOver(store, {}, reach), ({ method }) => {
      if (method !== 'checkHealth') state.secretRequests += 1
      return state.broken === 'lost' && loses.has(method) ? faults.loseAnswer() : undefined
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
    },
    requests: () => state.requests,
    secretRequests: () => state.secretRequests,
    close: async () => store.clear(),
  }
}

/** Answers of these are lost while the store loses them. */
const loses: ReadonlySet<string> = new Set(['put', 'tag', 'delete', 'restore', 'staging.put', 'staging.promote', 'staging.discard'])

/** All other members stay. */
function planned(provider: MemoryProvider, plan: FaultPlan): MemoryProvider {
  return { ...faultyProvider(provider, plan), list: provider.list }
}
