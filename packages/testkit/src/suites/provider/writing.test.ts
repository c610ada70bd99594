import { SecretsError, type NewSecret } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { rejecting, replacing, testCatches, unaborted, type BadProvider } from '../../testing/bad-providers.ts'
import { badConditions } from '../../testing/zoo/names.ts'

const says = 'writing: a write creates a secret or a new current version, which its receipt names'
const stale = 'writing: `ifCurrent` of another version is a conflict and writes nothing'
const used = 'writing: a used number is a conflict that names the next, and writes nothing'
const oneWins = 'writing: one of several concurrent writers with the same `ifCurrent` wins'
const torn = 'writing: a concurrent reader sees the old version or the new one'
const unsupported = 'writing: a store that assigns numbers rejects what it cannot compare with UNSUPPORTED, and writes nothing'
const refused = 'writing: a number that is not a positive integer is refused before any call'

type Put = MemoryProvider['put']

const put = (make: (good: MemoryProvider) => Put): BadProvider['spoil'] => replacing((good) => ({ put: make(good) }))

/** Forgets some of what was asked for. */
const asking = (change: (secret: NewSecret) => NewSecret): BadProvider['spoil'] =>
  put((good) => (path, secret, context) => good.put(path, change(secret), context))

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the rules of writing', () => {
  testCatches(test, /^writing:/, {
    ...badConditions,
    'says another version than it wrote': {
      spoil: put((good) => async (...args) => ({ ...(await good.put(...args)), version: 7 })),
      caughtBy: says,
    },
    'does not write': { spoil: put(() => async () => ({ version: 1 })), caughtBy: says },
    'keeps no version before': { spoil: replacing(() => ({ getVersion: async () => undefined })), caughtBy: says },
    'writes next door too': {
      spoil: put((good) => async (path, secret, context) => {
        await good.put('suite/secret-2', { value: secret.value }, context)
        return good.put(path, secret, context)
      }),
      caughtBy: 'writing: a write changes no other path',
    },
    'keeps the first field only': {
      spoil: asking((secret) => (secret.shape === 'map' ? { ...secret, value: String(secret.value).replace(/,.*/, '}') } : secret)),
      caughtBy: 'writing: a map comes back with the same fields',
    },
    'keeps fields and does not say so': {
      spoil: replacing(() => ({ keepsFields: () => false })),
      caughtBy: 'writing: a map comes back with the same fields',
    },
    'writes after an abort': {
      spoil: put((good) => (path, secret, context) => good.put(path, secret, unaborted(context))),
      caughtBy: 'writing: a write whose signal is already aborted rejects and writes nothing',
    },
    'ignores `ifCurrent`': { spoil: asking(({ ifCurrent: _ifCurrent, ...rest }) => rest), caughtBy: stale },
    'ignores `ifCurrent: null`': {
      spoil: asking(({ ifCurrent, ...rest }) => ({ ...rest, ifCurrent: ifCurrent ?? undefined })),
      caughtBy: 'writing: `ifCurrent: null` writes only if there is no secret',
    },
    'compares the version only': {
      spoil: asking((secret) => (secret.ifCurrent?.version === undefined ? { ...secret, ifCurrent: undefined } : secret)),
      caughtBy: stale,
    },
    'refuses every `ifCurrent`': {
      spoil: put((good) => async (path, secret, context) => {
        if (secret.ifCurrent) throw new SecretsError('VERSION_CONFLICT', 'another version')
        return good.put(path, secret, context)
      }),
      caughtBy: 'writing: `ifCurrent` replaces the version that it names',
    },
    'writes and then sees the conflict': {
      spoil: put((good) => async (path, secret, context) => {
        const current = await good.get(path, context)
        const receipt = await good.put(path, { value: secret.value }, context)
        if (secret.ifCurrent && secret.ifCurrent.revision !== current?.revision)
          throw new SecretsError('VERSION_CONFLICT', 'another version')
        return receipt
      }),
      caughtBy: stale,
    },
    'compares, and writes a moment later': {
      spoil: put((good) => async (path, { ifCurrent, ...secret }, context) => {
        const current = await good.get(path, context)
        if (ifCurrent && ifCurrent.revision !== current?.revision) throw new SecretsError('VERSION_CONFLICT', 'another version')
        await turn()
        return good.put(path, secret, context)
      }),
      caughtBy: oneWins,
    },
    'looks at the number, and writes a moment later': {
      spoil: put((good) => async (path, { version, ...secret }, context) => {
        const { version: last = 0 } = (await good.get(path, context)) ?? {}
        if (version !== undefined && version !== last + 1) return good.put(path, { ...secret, version }, context)
        await turn()
        return good.put(path, secret, context)
      }),
      caughtBy: 'writing: one of several concurrent writers with the same number wins',
    },
    'fails a writer that loses with another code': {
      spoil: rejecting(['put'], (error) => (error.code === 'VERSION_CONFLICT' ? new SecretsError('UNAVAILABLE', 'busy') : error)),
      caughtBy: oneWins,
    },
    'counts by what it read a moment ago': {
      spoil: replacing((good) => {
        const held = new Map<string, { value: string | Uint8Array; version: number }>()
        return {
          get: async (path) => held.get(path),
          put: async (path, secret) => {
            const version = (held.get(path)?.version ?? 0) + 1
            await turn()
            held.set(path, { value: secret.value, version })
            return { version }
          },
          getVersion: good.getVersion,
        }
      }),
      caughtBy: 'writing: concurrent writers without a condition get different versions',
    },
    'writes the value before the version': {
      spoil: replacing((good) => {
        const next = new Map<string, string | Uint8Array>()
        return {
          get: async (path, context) => {
            const [secret, value] = [await good.get(path, context), next.get(path)]
            return secret && value !== undefined ? { ...secret, value } : secret
          },
          put: async (path, secret, context) => {
            next.set(path, secret.value)
            await turn()
            const receipt = await good.put(path, secret, context)
            next.delete(path)
            return receipt
          },
        }
      }),
      caughtBy: torn,
    },
    'ignores the number asked for': { spoil: asking(({ version: _version, ...rest }) => rest), caughtBy: used },
    'counts by two': {
      spoil: put((good) => async (path, secret, context) => {
        const current = await good.get(path, context)
        return good.put(path, { ...secret, version: secret.version ?? (current?.version ?? 0) + 2 }, context)
      }),
      caughtBy: 'writing: numbers are consecutive',
    },
    'refuses every number': {
      spoil: put((good) => async (path, secret, context) => {
        if (secret.version !== undefined) throw new SecretsError('VERSION_CONFLICT', 'the next is 1, 2, 3, or 11')
        return good.put(path, secret, context)
      }),
      caughtBy: 'writing: a write may name the next number',
    },
    'does not name the next number': {
      spoil: rejecting(['put'], (error) => (error.code === 'VERSION_CONFLICT' ? new SecretsError('VERSION_CONFLICT', 'used') : error)),
      caughtBy: used,
    },
    'lets numbers that were skipped be used': {
      spoil: put((good) => async (path, secret, context) => {
        if (secret.version !== 9) return good.put(path, secret, context)
        return { version: 9 }
      }),
      caughtBy: 'writing: numbers may be skipped, and skipped numbers are not available afterwards',
    },
    'takes 0 for no number': { spoil: asking(({ version, ...rest }) => (version ? { ...rest, version } : rest)), caughtBy: refused },
    'rounds numbers': {
      spoil: asking((secret) => ({ ...secret, version: secret.version && Math.ceil(secret.version) })),
      caughtBy: refused,
    },
    'skips numbers though it says that its store counts': {
      spoil: (harness) => harness,
      manifest: { numbering: 'next' },
      caughtBy: 'writing: a number beyond the next is a conflict that names the next',
    },
    'counts anew after a delete': { spoil: countingAnew(false), caughtBy: 'writing: the number of a deleted version is not used again' },
    'counts anew after a purge that it remembers': {
      spoil: countingAnew(true),
      caughtBy: 'writing: the number of a purged version is not used again',
    },
  })
})

/** A store that assigns numbers: it takes no condition but that of a first version. */
const assigning: BadProvider['spoil'] = put((good) => async (path, secret, context) => {
  const { version = 1, ifCurrent = null } = secret
  if (version !== 1 || ifCurrent !== null) throw new SecretsError('UNSUPPORTED', 'the store cannot compare')
  return good.put(path, secret, context)
})

/** Forgets some of what was asked of a store that assigns numbers. */
const assigningWhat = (change: (secret: NewSecret) => NewSecret): BadProvider => ({
  spoil: (harness) => asking(change)(assigning(harness)),
  manifest: { numbering: 'assigned' },
  caughtBy: unsupported,
})

describe('the rules of writing to a store that assigns numbers', () => {
  const bad: Record<string, BadProvider> = {
    'ignores the number of a first version': {
      ...assigningWhat(({ version, ...rest }) => (version === 1 ? rest : { ...rest, version })),
      caughtBy: 'writing: a store that assigns numbers takes the number 1 for a first version only',
    },
    'ignores numbers': assigningWhat(({ version, ...rest }) => ({ ...rest, version: version === 1 ? 1 : undefined })),
    'ignores what `ifCurrent` names': assigningWhat(({ ifCurrent, ...rest }) => (ifCurrent === null ? { ...rest, ifCurrent } : rest)),
    'compares, though its manifest denies it': { spoil: (harness) => harness, manifest: { numbering: 'assigned' }, caughtBy: unsupported },
  }
  testCatches(test, /^writing: a store that assigns numbers/, bad, { numbering: 'assigned' })
})

/** Moves a withdrawn secret out of the way, and begins at 1. */
function countingAnew(purged: boolean): BadProvider['spoil'] {
  return replacing((good) => {
    const anew = new Set<string>()
    return {
      delete: (path, options, context) => {
        if (options.purge === purged) anew.add(path)
        return good.delete(path, options, context)
      },
      get: async (path, context) => {
        // Of a secret that was purged the memory store says nothing; one that remembers says DELETED.
        if (purged && anew.has(path)) throw new SecretsError('DELETED', 'purged')
        return good.get(path, context)
      },
      put: (path, secret, context) => good.put(anew.has(path) ? `${path}-anew` : path, secret, context),
    }
  })
}
