import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { misreading, replacing, type BadProvider } from '../bad-providers.ts'

const exact = 'names: every member answers the exact path only'
const different = 'names: paths that differ in a sign, in case or in length only are different secrets'
const closed = 'closing: after `close` every call rejects with ABORTED, or every read works as before'
const located = 'names: `locate` gives each name a location of its own'

const dashed = (path: string): string => path.replaceAll('_', '-')

/** Providers that take one name or path for another. */
export const badNames: Readonly<Record<string, BadProvider>> = {
  'describes a path in small letters': {
    spoil: replacing((good) => ({ describe: (path, context) => good.describe(path.toLowerCase(), context) })),
    caughtBy: exact,
  },
  'probes a path with other signs': {
    spoil: replacing((good) => ({ probe: (path, context) => good.probe(dashed(path), context) })),
    caughtBy: exact,
  },
  'deletes a path with other signs': {
    spoil: replacing((good) => ({ delete: (path, options, context) => good.delete(dashed(path), options, context) })),
    caughtBy: exact,
  },
  'tags a path in small letters': {
    spoil: replacing((good) => ({ tag: (path, tags, context) => good.tag(path.toLowerCase(), tags, context) })),
    caughtBy: exact,
  },
  'decodes paths in a batch': {
    spoil: replacing((good) => ({
      getMany: (paths, context) =>
        good.getMany(
          paths.map((path) => path.replace('%2F', '/')),
          context,
        ),
    })),
    caughtBy: exact,
  },
  'cuts paths to 255 characters': { spoil: misreading((path) => path.slice(0, 255)), caughtBy: different },
  'takes several signs for one': { spoil: misreading((path) => path.replaceAll(/[^a-z0-9/]+/gi, '_')), caughtBy: different },
  'writes paths in small letters': { spoil: misreading((path) => path.toLowerCase()), caughtBy: different },
  'locates names in small letters': { spoil: locating((name) => name.toLowerCase()), caughtBy: located },
  'locates names without their signs': { spoil: locating((name) => name.replaceAll(/\W/g, '-')), caughtBy: located },
  'locates names by their first 64 characters': { spoil: locating((name) => name.slice(0, 64)), caughtBy: located },
}

function locating(change: (name: string) => string): BadProvider['spoil'] {
  return replacing((good) => ({ locate: (name) => good.locate(change(name)) }))
}

/** Providers that do not end with `close`. */
export const badEnds: Readonly<Record<string, BadProvider>> = {
  'answers after it was closed from what it read': {
    spoil: ending((good, isClosed) => {
      const last = new Map<string, StoredSecret | undefined>()
      return {
        get: async (path, context) => {
          if (isClosed()) return last.get(path)
          const secret = await good.get(path, context)
          last.set(path, secret)
          return secret
        },
      }
    }),
    caughtBy: closed,
  },
  'takes its end for absence': {
    spoil: ending((good, isClosed) => ({ probe: async (path, context) => (isClosed() ? undefined : good.probe(path, context)) })),
    caughtBy: closed,
  },
  'ends its reads and still writes': {
    spoil: ending((good, isClosed) => ({
      get: async (path, context) => {
        if (isClosed()) throw new SecretsError('ABORTED', 'it was closed')
        return good.get(path, context)
      },
    })),
    caughtBy: closed,
  },
  'leaves a timer of a call': {
    spoil: replacing((good) => ({
      get: (path, context) => {
        setTimeout(() => undefined, 5_000)
        return good.get(path, context)
      },
    })),
    caughtBy: 'closing: no timer or socket of the calls keeps the process running after `close`',
  },
  'leaves the timer of its listeners': {
    spoil: replacing((good) => ({
      changes: (listener) => {
        const timer = setInterval(() => undefined, 100)
        const end = good.changes(listener)
        setTimeout(() => clearInterval(timer), 2_000).unref()
        return () => {
          clearInterval(timer)
          end()
        }
      },
    })),
    caughtBy: 'closing: no timer or socket of the calls keeps the process running after `close`',
  },
  'calls its listeners after it was closed': {
    spoil: replacing((good) => {
      const listeners = new Set<(path?: string) => void>()
      const tell = (path?: string): void => {
        for (const listener of listeners) listener(path)
      }
      return {
        changes: (listener) => {
          listeners.add(listener)
          const end = good.changes(listener)
          return () => {
            listeners.delete(listener)
            end()
          }
        },
        close: async (context) => {
          setTimeout(tell, 20)
          await good.close(context)
        },
      }
    }),
    caughtBy: 'closing: no listener is called after `close`',
  },
}

/** Knows whether it was closed. */
function ending(make: (good: MemoryProvider, isClosed: () => boolean) => Partial<MemoryProvider>): BadProvider['spoil'] {
  return replacing((good) => {
    let isClosed = false
    return {
      ...make(good, () => isClosed),
      close: async (context) => {
        isClosed = true
        await good.close(context)
      },
    }
  })
}

type Put = MemoryProvider['put']

const put = (make: (good: MemoryProvider) => Put): BadProvider['spoil'] => replacing((good) => ({ put: make(good) }))

/** Providers that mistake the condition of a write. */
export const badConditions: Readonly<Record<string, BadProvider>> = {
  'says that it cannot compare, and writes all the same': {
    spoil: put((good) => async (path, { ifCurrent, ...secret }, context) => {
      if (ifCurrent === null) throw new SecretsError('UNSUPPORTED', 'it has no comparison')
      return good.put(path, secret, context)
    }),
    caughtBy: 'writing: a store without a comparison rejects every `ifCurrent` with UNSUPPORTED, and writes nothing',
  },
  'takes an empty `ifCurrent` for no condition': {
    spoil: put((good) => (path, secret, context) => {
      const isEmpty = secret.ifCurrent !== null && secret.ifCurrent !== undefined && Object.keys(secret.ifCurrent).length === 0
      return good.put(path, isEmpty ? { ...secret, ifCurrent: undefined } : secret, context)
    }),
    caughtBy: 'writing: an `ifCurrent` that names no version writes nothing',
  },
  'compares the number only, if there is one': {
    spoil: put((good) => (path, secret, context) => {
      const { version } = secret.ifCurrent ?? {}
      return good.put(path, version === undefined ? secret : { ...secret, ifCurrent: { version } }, context)
    }),
    caughtBy: 'writing: `ifCurrent` of another version is a conflict and writes nothing',
  },
  'compares numbers cut to 32 bits': {
    spoil: put((good) => (path, secret, context) => {
      const { version } = secret.ifCurrent ?? {}
      return good.put(path, version === undefined ? secret : { ...secret, ifCurrent: { version: version >>> 0 } }, context)
    }),
    caughtBy: 'writing: `ifCurrent` of another version is a conflict and writes nothing',
  },
  'writes no version for the same value': {
    spoil: put((good) => async (path, secret, context) => {
      const current = await good.get(path, context).catch(() => undefined)
      const isSame = secret.ifCurrent === undefined && secret.version === undefined && current?.value === secret.value
      return isSame ? { version: current?.version, revision: current?.revision } : good.put(path, secret, context)
    }),
    caughtBy: 'writing: the same value again is a new version',
  },
}
