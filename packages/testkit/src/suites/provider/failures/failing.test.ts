import { SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { BadProvider } from '../../../testing/bad-providers.ts'
import { changing, rejecting, replacing, testCatches, unaborted } from '../../../testing/bad-providers.ts'
import { canary } from '../trial.ts'
import { badFailures } from '../../../testing/zoo/failing.ts'

const unreachable = 'failing: unreachable rejects with UNAVAILABLE, until the store is repaired'
const hung = 'failing: a read from a store that hangs ends when its signal is aborted'
const withdrawn = 'failing: a withdrawn secret rejects with DELETED, and a missing one is undefined'
const reads = ['get', 'getVersion', 'describe']

/** Takes an error of this code for absence. */
const absent = (code: SecretsErrorCode): BadProvider['spoil'] => rejecting(reads, (error) => (error.code === code ? undefined : error))

/** Rejects with this instead of its own errors. */
const throwing = (foreign: (error: Error) => Error): BadProvider['spoil'] => rejecting([...reads, 'put'], foreign)

function withMember(key: PropertyKey, value: unknown): BadProvider['spoil'] {
  return throwing((error) => Object.defineProperty(error, key, { value }))
}

describe('the rules of failing', () => {
  testCatches(test, /^failing:/, {
    ...badFailures,
    'takes a denial for absence': {
      spoil: absent('PERMISSION_DENIED'),
      caughtBy: 'failing: denied never reads as a missing secret',
    },
    'takes a denial for absence where there is a secret': {
      spoil: absent('PERMISSION_DENIED'),
      caughtBy: 'failing: denied rejects with PERMISSION_DENIED, until the store is repaired',
    },
    'takes a refused credential for absence': {
      spoil: absent('UNAUTHENTICATED'),
      caughtBy: 'failing: unauthenticated never reads as a missing secret',
    },
    'takes an outage for absence': {
      spoil: absent('UNAVAILABLE'),
      caughtBy: 'failing: unreachable never reads as a missing secret',
    },
    'takes throttling for absence': {
      spoil: absent('RATE_LIMITED'),
      caughtBy: 'failing: throttled never reads as a missing secret',
    },
    'takes garbage for absence': {
      spoil: absent('INTEGRITY'),
      caughtBy:
        'failing: garbage rejects with INTEGRITY or INTERNAL or UNAVAILABLE or CONFIGURATION or DEADLINE_EXCEEDED, until the store is repaired',
    },
    'takes throttling for an outage': {
      spoil: rejecting(reads, (error) => (error.code === 'RATE_LIMITED' ? new SecretsError('UNAVAILABLE', 'down') : error)),
      caughtBy: 'failing: throttled rejects with RATE_LIMITED, until the store is repaired',
    },
    'takes a refused credential for a denial': {
      spoil: rejecting(reads, (error) => (error.code === 'UNAUTHENTICATED' ? new SecretsError('PERMISSION_DENIED', 'denied') : error)),
      caughtBy: 'failing: unauthenticated rejects with UNAUTHENTICATED, until the store is repaired',
    },
    'takes an outage for absence in a batch': {
      spoil: replacing((good) => ({
        getMany: async (paths, context) =>
          (await good.getMany(paths, context)).map((one) => (one.status === 'rejected' ? { status: 'fulfilled', value: undefined } : one)),
      })),
      caughtBy: unreachable,
    },
    'takes an outage for absence when it probes': {
      spoil: rejecting(['probe'], (error) => (error.code === 'UNAVAILABLE' ? undefined : error)),
      caughtBy: unreachable,
    },
    'does not end a probe after an abort': {
      spoil: replacing((good) => ({ probe: (path, context) => good.probe(path, unaborted(context)) })),
      caughtBy: hung,
    },
    'lets a foreign error out': { spoil: throwing(() => new TypeError('fetch failed')), caughtBy: unreachable },
    'keeps the foreign error as the cause': { spoil: withMember('cause', new Error('fetch failed')), caughtBy: unreachable },
    'writes a message that forges a log line': {
      spoil: throwing(() => new SecretsError('UNAVAILABLE', 'down\nSecret access: name=x')),
      caughtBy: unreachable,
    },
    'writes a message without end': { spoil: throwing(() => new SecretsError('UNAVAILABLE', 'x'.repeat(5000))), caughtBy: unreachable },
    'stays broken': {
      spoil: replacing((good) => {
        const broken: { error?: Error } = {}
        const get: typeof good.get = async (path, context) => {
          if (broken.error !== undefined) throw broken.error
          return good.get(path, context).catch((error: Error) => {
            broken.error = error
            throw error
          })
        }
        return { get }
      }),
      caughtBy: unreachable,
    },
    'gives the value away in a message': {
      spoil: throwing(() => new SecretsError('UNAVAILABLE', `cannot write ${canary}-lost`)),
      caughtBy: 'failing: a write to an unreachable store rejects, and reveals no value',
    },
    'gives the value away in a hidden member': {
      spoil: withMember(Symbol('request'), { body: Buffer.from(`{"SecretString":"${canary}"}`).toString('base64') }),
      caughtBy: unreachable,
    },
    'goes on after an abort': {
      spoil: replacing((good) => ({ get: (path, context) => good.get(path, unaborted(context)) })),
      caughtBy: hung,
    },
    'gives up on its own while the store says nothing': {
      spoil: replacing((good) => ({
        get: (path, context) =>
          Promise.race([good.get(path, context), new Promise<undefined>((resolve) => setTimeout(resolve, 10, undefined))]),
      })),
      caughtBy: hung,
    },
    'cannot close after an aborted call': {
      spoil: replacing((good) => {
        const open: Promise<unknown>[] = []
        return {
          get: (path, context) => {
            open.push(good.get(path, unaborted(context)))
            return good.get(path, context)
          },
          // waits once, or the suite's own closing hangs too
          close: async () => void (await Promise.race([Promise.all(open.splice(0)), new Promise((resolve) => setTimeout(resolve, 7_000))])),
        }
      }),
      caughtBy: 'failing: an aborted call does not keep the provider from closing',
    },
    'takes a withdrawn secret for absence': { spoil: absent('DELETED'), caughtBy: withdrawn },
    'answers a withdrawn secret': {
      spoil: changing(['getVersion'], (outcome) => (outcome.status === 'fulfilled' ? outcome.value : { value: 'still here' })),
      caughtBy: withdrawn,
    },
    'lists nothing in an outage': {
      spoil: replacing((good) => ({
        list: async function* (prefix, context) {
          try {
            yield* good.list(prefix, context)
          } catch {}
        },
      })),
      caughtBy: unreachable,
    },
    'writes half a secret in an outage': {
      spoil: replacing((good, harness) => ({
        put: async (path, secret, context) => {
          await harness.seed(path, String(secret.value).slice(0, 5))
          return good.put(path, secret, context)
        },
      })),
      caughtBy: 'failing: a write to an unreachable store rejects, and reveals no value',
    },
  })
})
