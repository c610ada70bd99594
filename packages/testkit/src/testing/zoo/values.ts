import type { StoredSecret } from '@finchat/secrets-core'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { answering, replacing, type BadProvider } from '../bad-providers.ts'

const exact = 'values: every member that returns a value returns it exactly'
const stays = 'values: bytes that were returned stay as they are after later calls'
const kept = 'values: bytes that a caller overwrites are not those of a later answer'

/** Changes the values of these members. */
const revaluing = (members: readonly string[], change: (value: string) => unknown): BadProvider['spoil'] =>
  answering(members, (secret: StoredSecret | undefined) =>
    typeof secret?.value === 'string' ? { ...secret, value: change(secret.value) } : secret,
  )

/** Providers that return values, or their bytes, as they must not. */
export const badValues: Readonly<Record<string, BadProvider>> = {
  'returns a number as a number': {
    spoil: revaluing(['get'], (value) => (String(Number(value)) === value ? Number(value) : value)),
    caughtBy: 'values: a number comes back exactly',
  },
  'returns a date as a date': {
    spoil: revaluing(['get'], (value) => (/^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : value)),
    caughtBy: 'values: a date comes back exactly',
  },
  'trims the values of former versions': { spoil: revaluing(['getVersion'], (value) => value.trim()), caughtBy: exact },
  'has a number where a staged version has text': {
    spoil: revaluing(['staging.get'], (value) => (value === '42' ? 42 : value)),
    caughtBy: exact,
  },
  'takes an empty value for absence in a batch': {
    spoil: replacing((good) => ({
      getMany: async (paths, context) =>
        (await good.getMany(paths, context)).map((one) =>
          one.status === 'fulfilled' && one.value?.value === '' ? { ...one, value: undefined } : one,
        ),
    })),
    caughtBy: exact,
  },
  'takes an empty value for absence in a former version': {
    spoil: answering(['getVersion'], (secret: StoredSecret | undefined) => (secret?.value.length === 0 ? undefined : secret)),
    caughtBy: exact,
  },
  'overwrites the bytes of the last answer': { spoil: pooling('get'), caughtBy: stays },
  'overwrites the bytes of a former version': { spoil: pooling('getVersion'), caughtBy: stays },
  'keeps the bytes of a former version that it returned': {
    spoil: replacing((good) => {
      const lent = new Map<string, Promise<StoredSecret | undefined>>()
      return {
        getVersion: (path, version, context) => {
          const answer = lent.get(path) ?? good.getVersion(path, version, context)
          lent.set(path, answer)
          return answer
        },
      }
    }),
    caughtBy: kept,
  },
  'overwrites the bytes that it was given': {
    spoil: replacing((good) => ({
      put: async (path, secret, context) => {
        const receipt = await good.put(path, secret, context)
        if (typeof secret.value !== 'string') secret.value.fill(0)
        return receipt
      },
    })),
    caughtBy: 'values: a write leaves the given bytes as they are',
  },
  'keeps the bytes that it was given to stage': {
    spoil: replacing((good) => {
      const given = new Map<string, string | Uint8Array>()
      return {
        staging: {
          ...good.staging,
          put: (path, secret, context) => {
            given.set(path, secret.value)
            return good.staging.put(path, secret, context)
          },
          get: async (path, context) => {
            const [staged, value] = [await good.staging.get(path, context), given.get(path)]
            return staged && value !== undefined ? { ...staged, value } : staged
          },
        },
      }
    }),
    caughtBy: 'values: a staged version copies the bytes',
  },
  'prints the value that it writes': {
    spoil: replacing((good) => ({
      put: (path, secret, context) => {
        process.stdout.write(`put ${path} ${String(secret.value)}\n`)
        return good.put(path, secret, context)
      },
    })),
    caughtBy: 'values: nothing is printed',
  },
  'writes the value that it read to standard error': {
    spoil: answering(['get'], (secret: StoredSecret | undefined) => {
      if (secret) process.stderr.write(`read ${String(secret.value)}\n`)
      return secret
    }),
    caughtBy: 'values: nothing is printed',
  },
}

/** One buffer for all answers of this member. */
function pooling(member: 'get' | 'getVersion'): BadProvider['spoil'] {
  const pool = new Uint8Array(70_000)
  const pooled = (secret: StoredSecret | undefined): StoredSecret | undefined => {
    if (!(secret?.value instanceof Uint8Array)) return secret
    pool.set(secret.value)
    return { ...secret, value: pool.subarray(0, secret.value.length) }
  }
  return answering([member], pooled)
}

const order = 'versions: the twelfth version is current, and the eleventh previous'
const large = 'versions: a number of more than 32 bits is exact'

const getVersion = (make: (good: MemoryProvider) => MemoryProvider['getVersion']): BadProvider['spoil'] =>
  replacing((good) => ({ getVersion: make(good) }))

/** The number before the current one. */
const byNumber: BadProvider['spoil'] = getVersion((good) => async (path, version, context) => {
  if (version !== 'previous') return good.getVersion(path, version, context)
  const { version: current = 1 } = (await good.get(path, context)) ?? {}
  return current < 2 ? undefined : good.getVersion(path, current - 1, context)
})

/** Providers that mistake one version for another. */
export const badOrder: Readonly<Record<string, BadProvider>> = {
  'sorts its versions as text': {
    spoil: replacing((good) => ({
      get: async (path, context) => {
        const { versions = [] } = (await good.describe(path, context)) ?? {}
        const last = versions
          .map(({ version }) => String(version))
          .toSorted()
          .at(-1)
        return last === undefined ? undefined : good.getVersion(path, Number(last), context)
      },
    })),
    caughtBy: order,
  },
  'sorts its versions as text for a description': {
    spoil: answering(['describe'], (described: Awaited<ReturnType<MemoryProvider['describe']>>) => {
      const numbers = (described?.versions ?? []).map(({ version }) => String(version)).toSorted()
      return described && { ...described, version: Number(numbers.at(-1)) }
    }),
    caughtBy: order,
  },
  'keeps its last ten versions by their text': {
    spoil: getVersion((good) => (path, version, context) => good.getVersion(path, version === 11 ? 9 : version, context)),
    caughtBy: order,
  },
  'cuts numbers to 32 bits when it reads': {
    spoil: getVersion(
      (good) => (path, version, context) => good.getVersion(path, version === 'previous' ? version : version >>> 0 || version, context),
    ),
    caughtBy: large,
  },
  'cuts numbers to 32 bits when it writes': {
    spoil: replacing((good) => ({
      put: (path, { version, ...secret }, context) => good.put(path, { ...secret, version: version && version | 0 }, context),
    })),
    caughtBy: large,
  },
  'takes the number before the current one for `previous`': {
    spoil: byNumber,
    caughtBy: 'versions: `previous` is the former version, also if numbers were skipped',
  },
  'takes a discarded number for `previous`': {
    spoil: byNumber,
    caughtBy: 'versions: `previous` is the former version, also if a staged one was discarded between',
  },
  'takes a number beyond 32 bits for one below': {
    spoil: getVersion(
      (good) => (path, version, context) => good.getVersion(path, version === 'previous' ? version : version % 2 ** 32 || version, context),
    ),
    caughtBy: 'versions: an unused number is undefined, never the current version',
  },
}
