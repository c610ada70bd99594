import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import { answering, misreading, rejecting, replacing, testCatches, unaborted } from '../../testing/bad-providers.ts'

const missing = 'reading: a missing secret is undefined'
const current = 'reading: a secret has its current value'
const exact = 'reading: only the exact path is answered'
const allowed = 'reading: the metadata of an answer keeps the contract'

const bound = 'reading: `currentNotBefore` is not later than the time at which the version became current'

const answer = (change: (secret: StoredSecret | undefined) => unknown): ReturnType<typeof answering> => answering(['get'], change)
const saying = (more: object): ReturnType<typeof answering> => answer((secret) => secret && { ...secret, ...more })

describe('the rules of reading', () => {
  testCatches(test, /^reading:/, {
    'answers null for what does not exist': { spoil: answer((secret) => secret ?? null), caughtBy: missing },
    'answers an empty text for what does not exist': { spoil: answer((secret) => secret ?? { value: '' }), caughtBy: missing },
    'rejects for what does not exist': {
      spoil: answer((secret) => secret ?? Promise.reject(new SecretsError('NOT_FOUND', 'no such secret'))),
      caughtBy: missing,
    },
    'keeps the first answer for ever': {
      spoil: replacing((good) => {
        const kept = new Map<string, ReturnType<typeof good.get>>()
        return { get: (path, context) => kept.get(path) ?? kept.set(path, good.get(path, context)).get(path) ?? good.get(path, context) }
      }),
      caughtBy: current,
    },
    'ignores the case of a path': { spoil: misreading((path) => path.toLowerCase()), caughtBy: exact },
    'takes a longer path for a shorter one': { spoil: misreading((path) => path.replace(/(?<=\d)\D+$/, '')), caughtBy: exact },
    'says a version that is no integer': { spoil: saying({ version: 1.5 }), caughtBy: allowed },
    'says seconds for milliseconds': { spoil: saying({ currentSince: 1_700_000_000 }), caughtBy: allowed },
    'answers what has expired': { spoil: saying({ expiresAt: 1 }), caughtBy: allowed },
    'says one revision for every content': { spoil: saying({ revision: 'same' }), caughtBy: allowed },
    'says one version for every content': { spoil: saying({ version: 1 }), caughtBy: allowed },
    'says another revision at each read': {
      spoil: answer((secret) => secret && { ...secret, revision: `${Math.random()}` }),
      caughtBy: allowed,
    },
    'takes the time of the read for the time of the write': {
      spoil: answer((secret) => secret && { ...secret, currentNotBefore: Date.now() }),
      caughtBy: bound,
    },
    'takes the time of the description for the time of the write': {
      spoil: answering(['describe'], (described: object | undefined) => described && { ...described, currentNotBefore: Date.now() }),
      caughtBy: bound,
    },
    'has a bound above the time itself': {
      spoil: answer(
        (secret) => secret && { ...secret, currentNotBefore: Number(secret.currentSince) + 1, currentSince: secret.currentSince },
      ),
      caughtBy: bound,
    },
    'answers nothing when asked for a fresh value': {
      spoil: replacing((good) => ({ get: (path, context) => (context.fresh ? Promise.resolve(undefined) : good.get(path, context)) })),
      caughtBy: 'reading: `fresh` and unknown context members change nothing',
    },
    'mixes up reads that run at once': {
      spoil: replacing((good) => {
        const last = { path: '' }
        const get: typeof good.get = async (path, context) => {
          last.path = path
          await Promise.resolve()
          return good.get(last.path, context)
        }
        return { get }
      }),
      caughtBy: 'reading: concurrent reads each get their own answer',
    },
    'ignores that the signal is aborted': {
      spoil: replacing((good) => ({ get: (path, context) => good.get(path, unaborted(context)) })),
      caughtBy: 'reading: a call whose signal is already aborted rejects',
    },
    'takes an abort for an outage': {
      spoil: rejecting(['get'], () => new SecretsError('UNAVAILABLE', 'the store cannot be reached')),
      caughtBy: 'reading: a call whose signal is already aborted rejects',
    },
  })
})
