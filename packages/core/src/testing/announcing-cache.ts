import type { SharedCache } from '../contract/shared-cache.ts'

type Key = { readonly sharedAs: string; readonly path: string }

/** A shared cache that holds nothing, and announces a change when a test says so. */
export function announcingCache(): { readonly shared: SharedCache; readonly announce: (key: Key) => void } {
  const listeners: ((key: Key) => void)[] = []
  const shared: SharedCache = {
    specificationVersion: 'v1',
    read: async () => ({ leaseToken: {} }),
    fill: async () => {},
    invalidate: async () => {},
    subscribe: (listener) => {
      listeners.push(listener)
      return () => {}
    },
  }
  return {
    shared,
    announce: (key) => {
      for (const listener of listeners) listener(key)
    },
  }
}
