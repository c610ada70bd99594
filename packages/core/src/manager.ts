import { cacheStats, noCounts } from './cache-stats.ts'
import { knownManagerOptions, type SecretsManagerOptions, type Settings, settingsOf } from './manager-options.ts'
import type { SecretsManager } from './secrets-manager.ts'
import { SecretsError } from './secrets-error.ts'

/**
 * Wires providers into a chain, each behind its own cache. Nothing is asked of any store before the first call. Throws
 * `CONFIGURATION` for options that cannot work.
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
  let engine: SecretsManager | undefined
  const starting = started({ ...options, providers: [...options.providers] }, settings).then((each) => (engine = each))
  // Told to whoever calls.
  starting.catch(() => {})
  const by = <T>(call: (engine: SecretsManager) => Promise<T>): Promise<T> => (engine === undefined ? starting.then(call) : call(engine))
  /** What a caller may overwrite as soon as it has called. */
  const kept = <Value>(value: Value): Value | Uint8Array =>
    engine === undefined && value instanceof Uint8Array ? Uint8Array.from(value) : value
  const close: SecretsManager['close'] = (closing) => by((each) => each.close(closing))
  return {
    getSecret: (name, read) => by((each) => each.getSecret(name, read)),
    getSecretValue: (name, read) => by((each) => each.getSecretValue(name, read)),
    getSecrets: (names, read) => by((each) => each.getSecrets(names, read)),
    getSecretValues: (requests, read) => by((each) => each.getSecretValues(requests, read)),
    verifySecret: (name, presented, verify) => {
      const candidate = kept(presented)
      return by((each) => each.verifySecret(name, candidate, verify))
    },
    storeSecret: (name, value, write) => {
      const given = kept(value)
      return by((each) => each.storeSecret(name, given, write))
    },
    rotateSecret: (name, value, write) => {
      const given = kept(value)
      return by((each) => each.rotateSecret(name, given, write))
    },
    deleteSecret: (name, remove) => by((each) => each.deleteSecret(name, remove)),
    restoreSecret: (name, restore) => by((each) => each.restoreSecret(name, restore)),
    tagSecret: (name, tags, tag) => by((each) => each.tagSecret(name, tags, tag)),
    describeSecret: (name, describe) => by((each) => each.describeSecret(name, describe)),
    async *listSecrets(list) {
      yield* (await starting).listSecrets(list)
    },
    cacheStats: () => engine?.cacheStats() ?? cacheStats(options.providers.map(({ name }) => ({ name, counts: noCounts }))),
    checkHealth: (call) => by((each) => each.checkHealth(call)),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}

async function started(options: SecretsManagerOptions, settings: Settings): Promise<SecretsManager> {
  const { startEngine } = await import('./engine.ts').catch(() => {
    throw new SecretsError('CONFIGURATION', 'a file of @finchat/secrets-core cannot be loaded', { remedy: 'install or bundle all of it' })
  })
  return startEngine(options, settings)
}
