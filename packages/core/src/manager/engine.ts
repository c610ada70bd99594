import type { Bounds } from '../guard/deadline.ts'
import { cacheStats } from '../cache/cache-stats.ts'
import { Catalog } from '../read/list-and-describe.ts'
import { Chain } from '../chain/chain.ts'
import { closeAll, type CloseOptions, closingGroups, knownCloseOptions } from './shutdown.ts'
import { HealthCheck } from './health.ts'
import { linksOf } from './build-links.ts'
import type { SecretsManagerOptions, Settings } from './manager-options.ts'
import { Observer } from '../observe/operation.ts'
import { planner } from '../chain/routing.ts'
import { Reader } from '../read/reader.ts'
import type { SecretsManager } from './secrets-manager.ts'
import { Shredder } from '../value/zeroizer.ts'
import { tracing } from '../observe/trace-channels.ts'
import { Verifier } from '../verify/verifier.ts'
import { Writer } from '../write/writer.ts'

/**
 * Wires the manager whose options were found good, each provider behind a cache of its own. It is a module of its own, loaded when the first
 * manager is made: who imports the package for its errors, its types or a provider needs nothing of it.
 */
export function startEngine(options: SecretsManagerOptions, settings: Settings): SecretsManager {
  const [giveUp, endFills] = [new AbortController(), new AbortController()]
  const bounds: Bounds = { deadlineMs: settings.deadlineMs, closing: giveUp.signal }
  const channels = tracing()
  const shredder = new Shredder()
  const observer = new Observer(options.audit, channels, bounds)
  const behind = { settings, bounds, closingFills: endFills.signal, shredder, refreshes: channels.refresh }
  const links = linksOf(options.providers, { shared: options.cache?.shared, ...behind })
  const planOf = planner(links)
  const { fallback, writeTo } = options
  const reader = new Reader({ planOf, chain: new Chain(channels, giveUp.signal), observer, fallback, autoCleanup: settings.autoCleanup })
  const writer = new Writer({ planOf, walk: (name) => reader.walk(name, undefined), observer, writeTo, closing: giveUp.signal })
  const catalog = new Catalog({ links, walk: (name, policy) => reader.walk(name, policy), observer, bounds })
  const verifier = new Verifier(reader, observer, settings.maxEntries)
  const health = new HealthCheck(links, observer, giveUp.signal)
  let closed: Promise<void> | undefined
  const close = async (closeOptions: CloseOptions = {}): Promise<void> => {
    const known = knownCloseOptions(closeOptions)
    const parts = { observer, giveUp, endFills, groups: closingGroups(links, options), wipe: () => shredder.wipeAll() }
    return (closed ??= closeAll(parts, known))
  }
  return {
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
    cacheStats: () => cacheStats(links.map(({ provider, store }) => ({ name: provider.name, counts: store.counts }))),
    checkHealth: (call) => health.check(call),
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}
