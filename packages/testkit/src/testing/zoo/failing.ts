import { SecretsError, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import { hasCode, pause, untilAborted } from '@finchat/secrets-core/provider'
import { badForGood, rejecting, replacing, unaborted, type BadProvider } from '../bad-providers.ts'

const writes = 'failing: every write rejects with the code of the failure, and changes nothing'
const lost = "failing: a write whose answer is lost has the effect 'unknown', or is found done"
const remembered = 'failing: what was read before is not answered while the store fails'
const deadline = 'failing: a read from a store that hangs never resolves, also after a deadline of its own'
const hung = 'failing: a read from a store that hangs ends when its signal is aborted'

/** Takes a failure of these members for success. */
const swallowing = (...members: readonly string[]): BadProvider['spoil'] => rejecting(members, () => undefined)

/** Providers that fail in the wrong way, beyond those of the first table. */
export const badFailures: Readonly<Record<string, BadProvider>> = {
  'swallows a failed delete': { spoil: swallowing('delete'), caughtBy: writes },
  'swallows a failed delete for good': badForGood(writes, (good) => async (path, options, context) => {
    try {
      return await good(path, options, context)
    } catch (error) {
      if (hasCode(error, 'UNSUPPORTED')) throw error
      return {}
    }
  }),
  'does not say that a lost delete for good may have happened': badForGood(
    lost,
    (good) => (path, options, context) =>
      good(path, options, context).catch((error: unknown) => {
        throw hasEffect(error) ? new SecretsError('UNAVAILABLE', 'no answer') : error
      }),
  ),
  'swallows a failed tag': { spoil: swallowing('tag'), caughtBy: writes },
  'swallows a failed restore': {
    spoil: swallowing('restore'),
    caughtBy: 'failing: a restore rejects with the code of the failure, and changes nothing',
  },
  'swallows a failed discard': { spoil: swallowing('staging.discard'), caughtBy: writes },
  'takes a failed read of what is staged for absence': {
    spoil: swallowing('staging.get'),
    caughtBy: writes,
  },
  'lets a foreign error out of a tag': {
    spoil: rejecting(['tag'], () => new TypeError('fetch failed')),
    caughtBy: writes,
  },
  'writes and then says that it was throttled': {
    spoil: replacing((good, harness) => ({
      put: async (path, secret, context) => {
        await harness.seed(path, secret.value)
        return good.put(path, secret, context)
      },
    })),
    caughtBy: writes,
  },
  'takes a failed store for absence': {
    spoil: rejecting(['get', 'probe'], (error) => (error.message.includes('is failing') ? undefined : error)),
    caughtBy: 'failing: failing never reads as a missing secret',
  },
  'takes a failed store for absence where there is a secret': {
    spoil: rejecting(['describe'], (error) => (error.message.includes('is failing') ? undefined : error)),
    caughtBy: 'failing: failing rejects with UNAVAILABLE, until the store is repaired',
  },
  'answers in an outage what it read before': { spoil: remembering(() => true), caughtBy: remembered },
  'answers what it read before to a denied caller': {
    spoil: remembering(({ code }) => code === 'PERMISSION_DENIED'),
    caughtBy: remembered,
  },
  'answers what it read before of a withdrawn secret': {
    spoil: remembering(({ code }) => code === 'DELETED'),
    caughtBy: 'failing: a secret that is withdrawn after it was read rejects with DELETED',
  },
  'takes a login page for the receipt of a write': {
    spoil: rejecting(['put', 'tag', 'delete'], (error) => (error.code === 'INTEGRITY' ? undefined : error)),
    caughtBy: 'failing: garbage is no answer to a write: it rejects, or has written',
  },
  'takes a login page for an empty list': {
    spoil: replacing((good) => ({
      list: async function* (prefix, context) {
        try {
          yield* good.list(prefix, context)
        } catch (error) {
          if (!(error instanceof SecretsError && error.code === 'INTEGRITY')) throw error
        }
      },
    })),
    caughtBy: 'failing: garbage is no empty list',
  },
  'does not say that a lost write may have happened': {
    spoil: rejecting(['put', 'tag', 'delete'], (error) => (hasEffect(error) ? new SecretsError('UNAVAILABLE', 'no answer') : error)),
    caughtBy: lost,
  },
  'says of a login page that the write was not done': {
    spoil: rejecting(['put'], (error) => (hasEffect(error) ? new SecretsError('INTERNAL', 'no answer of the store') : error)),
    caughtBy: "failing: a write whose answer is garbled has the effect 'unknown', or is found done",
  },
  'says of a login page that the deletion for good was not done': badForGood(
    "failing: a write whose answer is garbled has the effect 'unknown', or is found done",
    (good) => (path, options, context) =>
      good(path, options, context).catch((error: unknown) => {
        throw hasEffect(error) ? new SecretsError('INTERNAL', 'no answer of the store') : error
      }),
  ),
  'takes its own deadline for absence': {
    spoil: replacing((good) => ({
      describe: (path, context) => Promise.race([good.describe(path, context), pause(300, context.signal).then(() => undefined)]),
    })),
    caughtBy: deadline,
  },
  'takes its own deadline for an empty list': {
    spoil: replacing((good) => ({
      list: async function* (prefix, context) {
        yield* await Promise.race([collected(good.list(prefix, context)), pause(300, context.signal).then(() => [])])
      },
    })),
    caughtBy: deadline,
  },
  'checks its health without the signal': {
    spoil: replacing((good) => ({ checkHealth: (context) => good.checkHealth(unaborted(context)) })),
    caughtBy: hung,
  },
  'lists without the signal': {
    spoil: replacing((good) => ({ list: (prefix, context) => good.list(prefix, unaborted(context)) })),
    caughtBy: hung,
  },
  'stages without the signal': {
    spoil: replacing((good) => ({
      staging: { ...good.staging, put: (path, secret, context) => good.staging.put(path, secret, unaborted(context)) },
    })),
    caughtBy: 'failing: a write to a store that hangs ends when its signal is aborted',
  },
  'goes on with a write that was aborted': {
    spoil: replacing((good) => {
      const again: (() => unknown)[] = []
      return {
        put: (path, secret, context) =>
          good.put(path, secret, context).catch((error: unknown) => {
            again.push(() => good.put(path, secret, unaborted(context)).catch(() => undefined))
            throw error
          }),
        // The store answers again.
        get: async (path, context) => {
          const current = await good.get(path, context)
          for (const write of again.splice(0)) setTimeout(write, 20)
          return current
        },
      }
    }),
    caughtBy: 'failing: a write that was aborted does not happen later',
  },
  'keeps the permits of aborted calls': {
    spoil: replacing((good) => {
      let free = 10
      return {
        get: async (path, context) => {
          if (free === 0) await untilAborted(new Promise<never>(() => undefined), context.signal)
          free -= 1
          const secret = await good.get(path, context)
          free += 1
          return secret
        },
      }
    }),
    caughtBy: 'failing: many aborted calls do not keep later calls from the store',
  },
  'has its token in a message': {
    spoil: rejecting(['get'], ({ code }) => new SecretsError(code as SecretsErrorCode, 'refused for Bearer s.7Hx29q')),
    caughtBy: 'failing: denied rejects with PERMISSION_DENIED, until the store is repaired',
  },
  'has its token in a request id': {
    spoil: (harness) => ({
      ...rejecting(['tag'], ({ code }) => new SecretsError(code as SecretsErrorCode, 'x', { storeRequestId: 'of my-credential' }))(harness),
      credentials: ['my-credential'],
    }),
    caughtBy: writes,
  },
  'has the address of its store with a password': {
    spoil: rejecting(
      ['list', 'put'],
      ({ code }) => new SecretsError(code as SecretsErrorCode, 'no answer of http://app:pass@store.example'),
    ),
    caughtBy: writes,
  },
  'adds the request to its errors': {
    spoil: rejecting(['get'], (error) => Object.assign(error, { request: { method: 'GET' } })),
    caughtBy: 'failing: denied rejects with PERMISSION_DENIED, until the store is repaired',
  },
  'gives `retryAt` in seconds': {
    spoil: rejecting(['get'], ({ code }) => new SecretsError(code as SecretsErrorCode, 'later', { retryAt: Date.now() / 1000 + 5 })),
    caughtBy: 'failing: throttled rejects with RATE_LIMITED, until the store is repaired',
  },
  'gives `retryAt` as a time to wait': {
    spoil: rejecting(['tag'], ({ code }) => new SecretsError(code as SecretsErrorCode, 'later', { retryAt: 5_000 })),
    caughtBy: writes,
  },
  'keeps a whole answer as the status of the store': {
    spoil: rejecting(['probe'], ({ code }) => new SecretsError(code as SecretsErrorCode, 'x', { storeStatus: '<html>'.repeat(100) })),
    caughtBy: 'failing: failing rejects with UNAVAILABLE, until the store is repaired',
  },
}

function hasEffect(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.effect !== undefined
}

/** Answers such a failure with the last answer. */
function remembering(of: (error: { readonly code?: string }) => boolean): BadProvider['spoil'] {
  return replacing((good) => {
    const last = new Map<string, StoredSecret | undefined>()
    return {
      get: async (path, context) => {
        try {
          const secret = await good.get(path, context)
          last.set(path, secret)
          return secret
        } catch (error) {
          if (!last.has(path) || !of(error as { code?: string })) throw error // the memory provider throws errors with a code
          return last.get(path)
        }
      },
    }
  })
}

async function collected<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of list) all.push(one)
  return all
}
