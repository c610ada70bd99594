import { type CallOptions, loadSecrets, type SecretsManager } from '@finchat/secrets-core'
import type { MemoryProviderOptions } from './fakes/memory-provider.ts'

/** One call of a manager, with the options of the call. */
export type ManagerOperation = (secrets: SecretsManager, options?: CallOptions) => Promise<unknown>

/** Every operation of a manager, by name. */
export interface ManagerOperations {
  /** What the store must have at version 1: `token` with the canary, and `map` with the canary in its field `key`. */
  readonly secrets: NonNullable<MemoryProviderOptions['secrets']>
  /** Operations that read `token`. */
  readonly reads: Readonly<Record<string, ManagerOperation>>
  /** Operations that change a provider named `memory`, with values that contain the canary. */
  readonly changes: Readonly<Record<string, ManagerOperation>>
}

/**
 * Every operation of a secrets manager as a function. With it a test of code around a manager (an audit trail, tracing, a
 * wrapper) covers them all.
 *
 * @example
 * import { createSecretsManager } from '@finchat/secrets-core'
 * import { leaksOf, managerOperations, memoryAuditTrail, memoryProvider } from '@finchat/secrets-testkit'
 *
 * const { secrets, reads } = managerOperations('the-canary-42')
 * const audit = memoryAuditTrail({ plan: () => 'fail' })
 * const manager = createSecretsManager({ providers: [memoryProvider({ secrets })], audit })
 * const outcomes = await Promise.allSettled(Object.values(reads).map((read) => read(manager)))
 * console.log(outcomes.every(({ status }) => status === 'rejected'), leaksOf(outcomes, 'the-canary-42')) // true []
 */
export function managerOperations(canary: string): ManagerOperations {
  return {
    secrets: { token: canary, map: { value: JSON.stringify({ key: canary }), shape: 'map' } },
    reads: { ...readsOfOne, verifySecret: (manager, options) => manager.verifySecret('token', canary, options) },
    changes: changesTo(`${canary} 2`),
  }
}

type Change = 'storeSecret' | 'rotateSecret' | 'deleteSecret' | 'restoreSecret' | 'tagSecret'
/** Every other call for secrets, so that a new one does not compile until it is here. */
type Read = Exclude<keyof SecretsManager, Change | 'verifySecret' | 'cacheStats' | 'checkHealth' | 'close' | symbol>

const readsOfOne: Readonly<Record<Read | 'getSecret of a version' | 'loadSecrets', ManagerOperation>> = {
  getSecret: (manager, options) => manager.getSecret('token', options),
  getSecretValue: (manager, options) => manager.getSecretValue('token', options),
  'getSecret of a version': (manager, options) => manager.getSecret('token', { ...options, version: 1 }),
  getSecrets: (manager, options) => manager.getSecrets(['token'], options),
  getSecretValues: async (manager, options) => {
    const [outcome] = await manager.getSecretValues([{ name: 'token' }], options)
    if (outcome?.status === 'rejected') throw outcome.reason
    return outcome?.value
  },
  loadSecrets: (manager, options) => loadSecrets(manager, { token: {} }, options),
  describeSecret: (manager, options) => manager.describeSecret('token', options),
  listSecrets: async (manager, options) => {
    const listed: unknown[] = []
    for await (const entry of manager.listSecrets(options)) listed.push(entry)
    return listed
  },
}

function changesTo(value: string): Readonly<Record<Change | 'rotateSecret of a field', ManagerOperation>> {
  return {
    storeSecret: (manager, options) => manager.storeSecret('token', value, options),
    rotateSecret: (manager, options) => manager.rotateSecret('token', value, options),
    'rotateSecret of a field': (manager, options) => manager.rotateSecret('map', value, { ...options, field: 'key' }),
    deleteSecret: (manager, options) => manager.deleteSecret('token', options),
    restoreSecret: (manager, options) => manager.restoreSecret('token', { ...options, provider: 'memory' }),
    tagSecret: (manager, options) => manager.tagSecret('token', { team: 'pay' }, options),
  }
}
