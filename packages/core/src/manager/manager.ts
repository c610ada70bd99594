import { loadEngine } from './load-engine.ts'
import { knownManagerOptions, type SecretsManagerOptions, type Settings, settingsOf } from './manager-options.ts'
import { noStats } from '../cache/cache-stats.ts'
import { copyOutsideHeap } from '../value/off-heap-bytes.ts'
import { addUse, closesOf, dropUse } from '../guard/use-count.ts'
import type { SecretsManager } from './secrets-manager.ts'

/**
 * Wires providers into a chain, each behind its own cache. Nothing is asked of any store before the first call. Several managers may use
 * one provider, shared cache or audit trail: it is closed with the last of them. Throws `CONFIGURATION` for options that cannot work.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: 'hunter2' } })] })
 * console.log(await secrets.verifySecret('FINCHAT_TOKEN', 'hunter2')) // true
 * await secrets.close()
 */
export function createSecretsManager(setUp: SecretsManagerOptions): SecretsManager {
  const options = knownManagerOptions(setUp)
  const settings = settingsOf(options)
  const parts = closesOf([...options.providers, options.cache?.shared, options.audit])
  addUse(parts)
  let engine: SecretsManager | undefined
  const starting = started({ ...options, providers: [...options.providers] }, settings).then((each) => (engine = each))
  // Told to whoever calls.
  starting.catch(() => dropUse(parts))
  const by = <T>(call: (engine: SecretsManager) => Promise<T>): Promise<T> => (engine === undefined ? starting.then(call) : call(engine))
  /** By what a caller may overwrite as soon as it has called: the engine takes a copy at once, as soon as it is there. */
  const given = <Value, T>(value: Value, call: (engine: SecretsManager, value: Value | Uint8Array) => Promise<T>): Promise<T> => {
    if (engine !== undefined || !(value instanceof Uint8Array)) return by((each) => call(each, value))
    const copy = copyOutsideHeap(value)
    return by((each) => call(each, copy)).finally(() => copy.fill(0))
  }
  const close: SecretsManager['close'] = (closing) => by((each) => each.close(closing))
  return {
    getSecret: (name, read) => by((each) => each.getSecret(name, read)),
    getSecretValue: (name, read) => by((each) => each.getSecretValue(name, read)),
    getSecrets: (names, read) => by((each) => each.getSecrets(names, read)),
    getSecretValues: (requests, read) => by((each) => each.getSecretValues(requests, read)),
    verifySecret: (name, presented, verify) => given(presented, (each, value) => each.verifySecret(name, value, verify)),
    storeSecret: (name, value, write) => given(value, (each, copy) => each.storeSecret(name, copy, write)),
    rotateSecret: (name, value, write) => given(value, (each, copy) => each.rotateSecret(name, copy, write)),
    deleteSecret: (name, remove) => by((each) => each.deleteSecret(name, remove)),
    restoreSecret: (name, restore) => by((each) => each.restoreSecret(name, restore)),
    tagSecret: (name, tags, tag) => by((each) => each.tagSecret(name, tags, tag)),
    describeSecret: (name, describe) => by((each) => each.describeSecret(name, describe)),
    async *listSecrets(list) {
      yield* (await starting).listSecrets(list)
    },
    cacheStats: () => engine?.cacheStats() ?? noStats(options.providers),
    checkHealth: (call) => by((each) => each.checkHealth(call)),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

async function started(options: SecretsManagerOptions, settings: Settings): Promise<SecretsManager> {
  const { startEngine } = await loadEngine()
  return startEngine(options, settings)
}
