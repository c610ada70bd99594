import { generateKey } from '@finchat/secrets-core/sealing'
import type { SecretCacheHarness } from '@finchat/secrets-testkit'
import { type KeyvCache, keyvCache } from '../../keyv-cache.ts'
import type { KeyvCacheOptions } from '../../options.ts'

/** The connections of one process, and what ends them. */
export interface Opened {
  readonly connections: Pick<KeyvCacheOptions, 'store' | 'client' | 'subscriber'>
  readonly close: () => void | Promise<void>
}

/** Methods of event emitters: they call no server. */
const local = new Set<string | symbol>(['on', 'off', 'listeners', 'listenerCount'])

/**
 * Two processes with one key. While it is broken, every call fails. The long timeout is for loaded
 * machines.
 */
export async function harnessOver(open: () => Promise<Opened>): Promise<SecretCacheHarness> {
  const encryptionKey = generateKey()
  let isBroken = false
  const breakable = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, member) => {
        const call: unknown = Reflect.get(object, member)
        if (typeof call !== 'function') return call
        return (...args: unknown[]) =>
          isBroken && !local.has(member) ? Promise.reject(new Error('down')) : Reflect.apply(call, object, args)
      },
    })
  const processes = [await open(), await open()] as const
  const [cache, another] = processes.map(({ connections: { store, client, subscriber } }) =>
    keyvCache({
      store: breakable(store),
      client: client && breakable(client),
      subscriber,
      encryptionKey,
      timeoutMs: 5_000, // a server on a loaded machine
      waitMs: 600,
    }),
  ) as [KeyvCache, KeyvCache] // one of each
  const breakCache = async (): Promise<() => Promise<void>> => {
    isBroken = true
    return async () => void (isBroken = false)
  }
  const close = async (): Promise<void> => {
    for (const each of new Set(processes)) await each.close()
  }
  return { cache, another, breakCache, close }
}
