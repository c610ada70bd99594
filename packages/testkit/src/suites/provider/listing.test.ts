import { SecretsError, type ListedSecret, type SecretDescription } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { answering, rejecting, replacing, testCatches, type BadProvider } from '../../testing/bad-providers.ts'
import { badAborts, badBatches, badLists, badTags } from '../../testing/zoo/listing.ts'

const every = 'listing: a list has every path with the prefix once, and no other'
const saysWhatARead = 'describing: a description has the metadata of a read, without the value'
const tags = 'tagging: sets tags, removes those given as null, and keeps the others and the value'
const many = 'batch: each path is answered at its index as by a read, also if missing or withdrawn'

type Answers = Awaited<ReturnType<MemoryProvider['getMany']>>

/** Changes the whole list. */
function listing(
  change: (listed: ListedSecret[], good: MemoryProvider) => readonly ListedSecret[] | Promise<readonly ListedSecret[]>,
): BadProvider['spoil'] {
  return replacing((good) => ({
    list: async function* (prefix, context) {
      const listed: ListedSecret[] = []
      for await (const secret of good.list(prefix, context)) listed.push(secret)
      yield* await change(listed, good)
    },
  }))
}

const describing = (change: (description: SecretDescription | undefined) => unknown): BadProvider['spoil'] =>
  answering(['describe'], change)
const batch = (change: (answers: Answers) => unknown): BadProvider['spoil'] => answering(['getMany'], change)
const never = new AbortController().signal

describe('the rules of listing, describing, tagging and batches', () => {
  testCatches(test, /^(listing|describing|tagging|batch|aborting):/, {
    ...badLists,
    ...badTags,
    ...badAborts,
    ...badBatches,
    'lists what was never written': {
      spoil: listing((listed) => [...listed, { path: 'ghost' }]),
      caughtBy: 'listing: an empty store has an empty list',
    },
    'lists one page only': { spoil: listing((listed) => listed.slice(0, 20)), caughtBy: every },
    'lists one page twice': { spoil: listing((listed) => [...listed, ...listed.slice(0, 1)]), caughtBy: every },
    'ignores the prefix': {
      spoil: replacing((good) => ({ list: (_prefix, context) => good.list('', context) })),
      caughtBy: every,
    },
    'takes a prefix for a folder': {
      spoil: replacing((good) => ({
        list: (prefix, context) => good.list(prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`, context),
      })),
      caughtBy: every,
    },
    'cannot be stopped early': {
      spoil: replacing((good) => {
        const state = { stopped: false }
        return {
          list: async function* (prefix, context) {
            if (state.stopped) return
            state.stopped = true
            yield* good.list(prefix, context)
            state.stopped = false
          },
        }
      }),
      caughtBy: 'listing: a reader may stop early',
    },
    'lists values': {
      spoil: listing((listed, good) =>
        Promise.all(listed.map(async (one) => ({ ...one, ...(await good.get(one.path, { signal: never })) }))),
      ),
      caughtBy: 'listing: a list reveals no value',
    },
    'describes another version': { spoil: describing((one) => one && { ...one, version: 1 }), caughtBy: saysWhatARead },
    'describes another revision': { spoil: describing((one) => one && { ...one, revision: 'other' }), caughtBy: saysWhatARead },
    'describes with the value': {
      spoil: replacing((good) => ({
        describe: async (path, context) => ({ ...(await good.get(path, context)), ...(await good.describe(path, context)) }),
      })),
      caughtBy: saysWhatARead,
    },
    'forgets the current among the versions': { spoil: describing((one) => one && { ...one, versions: [] }), caughtBy: saysWhatARead },
    'describes what does not exist': {
      spoil: describing((one) => one ?? {}),
      caughtBy: 'describing: a missing secret is undefined',
    },
    'describes a withdrawn secret as absent': {
      spoil: rejecting(['describe'], () => undefined),
      caughtBy: 'describing: a withdrawn secret rejects with DELETED',
    },
    'replaces all tags': {
      spoil: replacing((good) => ({
        tag: async (path, given, context) => {
          const old = Object.keys((await good.describe(path, context))?.tags ?? {}).map((key) => [key, null])
          await good.tag(path, { ...Object.fromEntries(old), ...given }, context)
        },
      })),
      caughtBy: tags,
    },
    'cannot drop a tag': {
      spoil: replacing((good) => ({
        tag: (path, given, context) =>
          good.tag(path, Object.fromEntries(Object.entries(given).filter(([, text]) => text !== null)), context),
      })),
      caughtBy: tags,
    },
    'copies tags as plain members': {
      spoil: replacing((good) => ({
        tag: (path, given, context) => {
          const copy: Record<string, string | null> = {}
          for (const [key, text] of Object.entries(given)) copy[key] = text
          return good.tag(path, copy, context)
        },
      })),
      caughtBy: 'tagging: a key such as `__proto__` is kept or refused',
    },
    'tags what does not exist': {
      spoil: replacing((good) => ({
        tag: async (path, given, context) => {
          if ((await good.get(path, context)) === undefined) await good.put(path, { value: '' }, context)
          await good.tag(path, given, context)
        },
      })),
      caughtBy: 'tagging: a missing secret cannot be tagged',
    },
    'loses tags at a write': {
      spoil: replacing((good) => ({
        put: async (path, secret, context) => {
          const old = Object.keys((await good.describe(path, context))?.tags ?? {}).map((key) => [key, null])
          if (old.length > 0) await good.tag(path, Object.fromEntries(old), context)
          return good.put(path, secret, context)
        },
      })),
      caughtBy: 'tagging: a write sets its tags and keeps the others',
    },
    'takes a call without tags for their removal': {
      spoil: replacing((good) => ({
        tag: async (path, given, context) => {
          const former = Object.keys(given).length === 0 ? ((await good.describe(path, context))?.tags ?? {}) : {}
          await good.tag(path, { ...Object.fromEntries(Object.keys(former).map((key) => [key, null])), ...given }, context)
        },
      })),
      caughtBy: 'tagging: sets tags, removes those given as null, and keeps the others and the value',
    },
    'lists wrong tags': {
      spoil: listing((listed) => listed.map((one) => ({ ...one, tags: {} }))),
      caughtBy: 'tagging: tags in a list are correct',
    },
    'answers a batch of none with one': {
      spoil: batch((answers) => (answers.length > 0 ? answers : [undefined])),
      caughtBy: 'batch: an empty batch has no answers',
    },
    'fails a batch of one': {
      spoil: batch((answers) => (answers.length === 1 ? [] : answers)),
      caughtBy: 'batch: one path has one answer',
    },
    'answers twenty of a batch': { spoil: batch((answers) => answers.slice(0, 20)), caughtBy: many },
    'leaves out what is missing': {
      spoil: batch((answers) => answers.filter((one) => one.status === 'rejected' || one.value !== undefined)),
      caughtBy: many,
    },
    'answers a batch in its own order': { spoil: batch((answers) => answers.toReversed()), caughtBy: many },
    'takes withdrawn secrets of a batch for absence': {
      spoil: batch((answers) => answers.map((one) => (one.status === 'rejected' ? { status: 'fulfilled', value: undefined } : one))),
      caughtBy: many,
    },
    'fails a batch for one withdrawn secret': {
      spoil: batch((answers) => {
        if (answers.some(({ status }) => status === 'rejected')) throw new SecretsError('DELETED', 'withdrawn')
        return answers
      }),
      caughtBy: many,
    },
    'answers a batch without versions': {
      spoil: batch((answers) =>
        answers.map((one) => (one.status === 'fulfilled' && one.value ? { ...one, value: { value: one.value.value } } : one)),
      ),
      caughtBy: 'batch: an answer has the version of a read',
    },
  })
})
