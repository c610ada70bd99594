import { cacheStats } from '../cache/cache-stats.ts'
import { knownAliases } from '../chain/aliases.ts'
import { Chain } from '../chain/chain.ts'
import type { RemedyHints } from '../chain/fallback-policy.ts'
import { locating } from '../chain/routing.ts'
import type { Bounds } from '../guard/deadline.ts'
import { addUse, closesOf } from '../guard/use-count.ts'
import { withDebugLog } from '../observe/debug-log.ts'
import { Observer } from '../observe/operation.ts'
import { tracing } from '../observe/trace-channels.ts'
import { Catalog } from '../read/list-and-describe.ts'
import { Reader } from '../read/reader.ts'
import { Zeroizer } from '../value/zeroizer.ts'
import { Verifier } from '../verify/verifier.ts'
import { Writer } from '../write/writer.ts'
import { chainEntriesOf } from './build-chain.ts'
import { HealthCheck } from './health.ts'
import { knownManagerOptions, type SecretsManagerOptions, settingsOf } from './manager-options.ts'
import { withParts } from './parts.ts'
import type { SecretsManager } from './secrets-manager.ts'
import { closer, closingGroups } from './shutdown.ts'

/**
 * Wires providers into a chain, each behind its own cache. No store is asked before the first call.
 * Several managers may use one provider, shared cache or audit trail: the last manager to close
 * closes it. Throws `CONFIGURATION` for options that cannot work.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: 'hunter2' } })] })
 * console.log(await secrets.verifySecret('FINCHAT_TOKEN', 'hunter2')) // true
 * await secrets.close()
 */
export function createSecretsManager(setUp: SecretsManagerOptions): SecretsManager {
  return createManagerWith(setUp)
}

/** `hints`: what remedies say of the variables that the providers were made of. */
export function createManagerWith(setUp: SecretsManagerOptions, hints?: RemedyHints): SecretsManager {
  const options = knownManagerOptions(setUp)
  const settings = settingsOf(options)
  const [giveUp, endFills] = [new AbortController(), new AbortController()]
  const bounds: Bounds = { deadlineMs: settings.deadlineMs, closing: giveUp.signal }
  const channels = withDebugLog(tracing())
  const zeroizer = new Zeroizer()
  const observer = new Observer(options.audit, channels, bounds)
  const behind = { settings, bounds, closingFills: endFills.signal, zeroizer, tracing: channels, hints }
  const chainEntries = chainEntriesOf(options.providers, { shared: options.cache?.shared, ...behind })
  const locate = locating(chainEntries, knownAliases(options.aliases))
  addUse(closesOf([...options.providers, options.cache?.shared, options.audit]))
  const { fallback, writeTo } = options
  const chain = new Chain(channels, giveUp.signal)
  const reader = new Reader({ locate, chain, observer, fallback, hints, autoCleanup: settings.autoCleanup })
  const writer = new Writer({ locate, traversal: (route) => reader.traversal(route, undefined), observer, writeTo, closing: giveUp.signal })
  const catalog = new Catalog({ chainEntries, locate, traversal: (route, policy) => reader.traversal(route, policy), observer, bounds })
  const verifier = new Verifier(reader, observer, settings.maxEntries)
  const health = new HealthCheck(chainEntries, observer, giveUp.signal, options.audit)
  const close = closer({ observer, giveUp, endFills, groups: closingGroups(chainEntries, options), wipe: () => zeroizer.wipeAll() })
  const manager: SecretsManager = {
    getSecret: (name, read) => reader.getSecret(name, read),
    getSecretValue: (name, read) => reader.getSecretValue(name, read),
    getSecrets: (names, read) => reader.getSecrets(names, read),
    getSecretValues: (requests, read) => reader.getSecretValues(requests, read),
    verifySecret: (name, presented, verify) => verifier.verifySecret(name, presented, verify),
    storeSecret: (name, value, write) => writer.storeSecret(name, value, write),
    rotateSecret: (name, value, write) => writer.rotateSecret(name, value, write),
    deleteSecret: (name, remove) => writer.deleteSecret(name, remove),
    restoreSecret: (name, restore) => writer.restoreSecret(name, restore),
    tagSecret: (name, tags, tag) => writer.tagSecret(name, tags, tag),
    describeSecret: (name, describe) => catalog.describeSecret(name, describe),
    listSecrets: (list) => catalog.listSecrets(list),
    cacheStats: () => cacheStats(chainEntries.map(({ provider, store }) => ({ name: provider.name, counts: store.counts }))),
    checkHealth: (call) => health.check(call),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
  return withParts(manager, { reader, writer, observer, locate, chainEntries, bounds, zeroizer, shared: options.cache?.shared, health })
}
