import type { WriteReceipt } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { answering, rejecting, replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'

const missing = 'probing: a missing secret is undefined'
const identity = 'probing: the identity is that of a read, and no two versions have the same one'
const written = 'probing: a write changes the identity, also of the same value'
const promoted = 'probing: a promotion changes the identity, and staging does not'
const withdrawn = 'probing: a withdrawn secret rejects with DELETED, as a read does'

const probing = (change: (receipt: WriteReceipt | undefined) => unknown): BadProvider['spoil'] => answering(['probe'], change)

/** Its reads agree with its probes. */
const revising = (revisionOf: (receipt: WriteReceipt, value: string) => string): BadProvider['spoil'] =>
  replacing((good) => {
    const get: MemoryProvider['get'] = async (path, context) => {
      const secret = await good.get(path, context)
      return secret && { ...secret, version: undefined, revision: revisionOf(secret, String(secret.value)) }
    }
    return {
      get,
      probe: async (path, context) => {
        const secret = await get(path, context)
        return secret && { version: undefined, revision: secret.revision }
      },
    }
  })

describe('the rules of probing', () => {
  testCatches(test, /^probing:/, {
    'rejects for a missing secret': {
      spoil: probing((receipt) => receipt ?? Promise.reject(new Error('no such secret'))),
      caughtBy: missing,
    },
    'has an identity without content': { spoil: probing((receipt) => receipt && {}), caughtBy: identity },
    'has another identity than a read': { spoil: probing((receipt) => receipt && { ...receipt, revision: 'other' }), caughtBy: identity },
    'takes the value for the identity': { spoil: revising((_receipt, value) => value), caughtBy: identity },
    'keeps the identity of the first answer': {
      spoil: replacing((good) => {
        let first: WriteReceipt | undefined
        return { probe: async (path, context) => (first ??= await good.probe(path, context)) }
      }),
      caughtBy: written,
    },
    'has a new identity at each call': {
      spoil: replacing((good) => {
        let calls = 0
        return { probe: async (path, context) => ({ ...(await good.probe(path, context)), version: (calls += 1) }) }
      }),
      caughtBy: identity,
    },
    'has the identity of the staged version': {
      spoil: replacing((good) => ({
        probe: async (path, context) => {
          const pending = await good.staging.get(path, context)
          return pending === undefined ? good.probe(path, context) : { version: pending.version, revision: pending.revision }
        },
      })),
      caughtBy: promoted,
    },
    'takes a deleted secret for absence': {
      spoil: rejecting(['probe'], (error) => (error.code === 'DELETED' ? undefined : error)),
      caughtBy: withdrawn,
    },
  })
})

const others = 'changes: a write by other means calls back, with its path or without one'
const own = 'changes: a write by this provider calls back, with its path or without one'
const each = 'changes: each of two writes calls each of two listeners back'
const ended = 'changes: a listener is not called after it ended, and the others are'

const changing = (make: (good: MemoryProvider) => MemoryProvider['changes']): BadProvider['spoil'] =>
  replacing((good) => ({ changes: make(good) }))

describe('the rules of changes', () => {
  testCatches(test, /^changes:/, {
    'never calls back': { spoil: changing(() => () => () => {}), caughtBy: others },
    'calls back with another path': {
      spoil: changing((good) => (listener) => good.changes((path) => listener(`${path}/other`))),
      caughtBy: others,
    },
    'does not tell its own writes': {
      spoil: replacing((good) => {
        const under = { way: 0 }
        return {
          put: async (path, secret, context) => {
            under.way += 1
            return good.put(path, secret, context).finally(() => (under.way -= 1))
          },
          changes: (listener) => good.changes((path) => (under.way === 0 ? listener(path) : undefined)),
        }
      }),
      caughtBy: own,
    },
    'calls each listener back once only': {
      spoil: changing((good) => (listener) => {
        let calls = 0
        return good.changes((path) => ((calls += 1) === 1 ? listener(path) : undefined))
      }),
      caughtBy: each,
    },
    'calls the last listener back only': {
      spoil: changing((good) => {
        let last: unknown
        return (listener) => {
          last = listener
          return good.changes((path) => (last === listener ? listener(path) : undefined))
        }
      }),
      caughtBy: each,
    },
    'does not tell a deletion': {
      spoil: replacing((good) => {
        const removed = new Set<string | undefined>()
        return {
          delete: (path, options, context) => {
            removed.add(path)
            return good.delete(path, options, context)
          },
          changes: (listener) => good.changes((path) => (removed.has(path) ? undefined : listener(path))),
        }
      }),
      caughtBy: 'changes: a deletion by this provider calls back, with its path or without one',
    },
    'cannot end': {
      spoil: changing((good) => (listener) => {
        good.changes(listener)
        return () => {}
      }),
      caughtBy: ended,
    },
    'ends every listener with one': {
      spoil: changing((good) => {
        const ends: (() => void)[] = []
        let isEnded = false
        return (listener) => {
          if (!isEnded) ends.push(good.changes(listener))
          return () => {
            isEnded = true
            for (const end of ends) end()
          }
        }
      }),
      caughtBy: ended,
    },
  })
})
