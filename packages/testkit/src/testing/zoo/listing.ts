import { SecretsError, type CallContext, type ListedSecret, type SecretProvider } from '@finchat/secrets-core'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { answering, rejecting, replacing, unaborted, type BadProvider } from '../bad-providers.ts'

const last = 'listing: 64 paths are listed to the last, or the list rejects: of a failed page, or after an abort'
const pattern = 'listing: a prefix is text, not a pattern, and is the beginning of a path'
const kept = 'tagging: a tag is kept exactly, or refused with INVALID_ARGUMENT'

type Page = (good: MemoryProvider, context: CallContext) => Promise<boolean>

/** Lists by pages; `next` asks the store for another one, and returns whether to go on. */
function paged(size: number, next: Page): BadProvider['spoil'] {
  return replacing((good) => ({
    list: async function* (prefix, context) {
      const all = await collected(good.list(prefix, context))
      for (let at = 0; at < all.length; at += size) {
        if (at > 0 && !(await next(good, context))) return
        yield* all.slice(at, at + size)
      }
    },
  }))
}

/** Lists what this says of every path. */
const filtering = (matches: (path: string, prefix: string) => boolean): BadProvider['spoil'] =>
  replacing((good) => ({
    list: async function* (prefix, context) {
      for await (const secret of good.list('', context)) if (matches(secret.path, prefix)) yield secret
    },
  }))

/** Providers whose lists are wrong. */
export const badLists: Readonly<Record<string, BadProvider>> = {
  'lists its first 50 paths': { spoil: paged(50, async () => false), caughtBy: last },
  'ends its list when the next page fails': {
    spoil: paged(40, (good, context) =>
      good.checkHealth(context).then(
        () => true,
        () => false,
      ),
    ),
    caughtBy: last,
  },
  'lets a foreign error out of the next page': {
    spoil: paged(40, (good, context) =>
      good.checkHealth(context).then(
        () => true,
        () => Promise.reject(new TypeError('no cursor')),
      ),
    ),
    caughtBy: last,
  },
  'lists the next page after an abort': {
    spoil: paged(40, async (good, context) => {
      await good.checkHealth(unaborted(context))
      return true
    }),
    caughtBy: last,
  },
  'ends its list at an abort, as if there were no more': {
    spoil: paged(40, async (_good, { signal }) => !signal.aborted),
    caughtBy: last,
  },
  'takes a prefix for a regular expression': {
    spoil: filtering((path, prefix) => {
      try {
        return new RegExp(`^${prefix}`).test(path)
      } catch {
        return path.startsWith(prefix)
      }
    }),
    caughtBy: pattern,
  },
  'takes `_` in a prefix for any character': {
    spoil: filtering((path, prefix) => [...prefix].every((sign, index) => sign === '_' || path[index] === sign)),
    caughtBy: pattern,
  },
  'decodes a prefix': {
    spoil: filtering((path, prefix) => path.startsWith(prefix.replaceAll('%31', '1'))),
    caughtBy: pattern,
  },
  'cuts a prefix at `#`': { spoil: filtering((path, prefix) => path.startsWith(prefix.replace(/#.*/, ''))), caughtBy: pattern },
  'finds a prefix anywhere in a path': { spoil: filtering((path, prefix) => path.includes(prefix)), caughtBy: pattern },
  'finds a prefix in either case': {
    spoil: filtering((path, prefix) => path.toLowerCase().startsWith(prefix.toLowerCase())),
    caughtBy: pattern,
  },
}

/** Changes the tags that are set. */
const tagging = (change: (tag: readonly [key: string, text: string | null]) => readonly [string, string | null]): BadProvider['spoil'] =>
  replacing((good) => ({
    tag: (path, tags, context) => good.tag(path, Object.fromEntries(Object.entries(tags).map((tag) => change(tag))), context),
  }))

/** Providers whose tags are wrong. */
export const badTags: Readonly<Record<string, BadProvider>> = {
  'trims tags': { spoil: tagging(([key, text]) => [key, text?.trim() ?? null]), caughtBy: kept },
  'cuts tags to 256 characters': { spoil: tagging(([key, text]) => [key, text?.slice(0, 256) ?? null]), caughtBy: kept },
  'takes an empty tag for a removed one': { spoil: tagging(([key, text]) => [key, text || null]), caughtBy: kept },
  'keeps the keys of tags in small letters': { spoil: tagging(([key, text]) => [key.toLowerCase(), text]), caughtBy: kept },
  'returns a tag of digits as a number': {
    spoil: answering(['describe'], (described: Awaited<ReturnType<MemoryProvider['describe']>>) => {
      const tags = Object.entries(described?.tags ?? {}).map(([key, text]) => [key, /^\d+$/.test(text) ? Number(text) : text] as const)
      return described && { ...described, tags: Object.fromEntries(tags) }
    }),
    caughtBy: kept,
  },
  'refuses a tag with another code': {
    spoil: refusingTags(),
    caughtBy: kept,
  },
  'sets the tags of a write that is rejected': {
    spoil: replacing((good) => ({
      put: async (path, { tags, ...secret }, context) => {
        if (tags && (await good.get(path, context)) !== undefined) await good.tag(path, tags, context)
        return good.put(path, { ...secret, tags }, context)
      },
    })),
    caughtBy: 'tagging: a rejected write sets no tags',
  },
  'keeps the tags of a purged secret': {
    spoil: replacing((good) => {
      const purged = new Map<string, Readonly<Record<string, string>> | undefined>()
      return {
        delete: async (path, options, context) => {
          purged.set(path, (await good.describe(path, context).catch(() => undefined))?.tags)
          return good.delete(path, options, context)
        },
        put: (path, secret, context) => good.put(path, { ...secret, tags: { ...purged.get(path), ...secret.tags } }, context),
      }
    }),
    caughtBy: 'tagging: a purge removes the tags',
  },
}

function refusingTags(): BadProvider['spoil'] {
  return replacing((good) => ({
    tag: async (path, tags, context) => {
      if (Object.values(tags).some((text) => (text?.length ?? 0) > 1_000)) throw new SecretsError('CONFIGURATION', 'too long')
      return good.tag(path, tags, context)
    },
  }))
}

/** Providers that go on after an abort, or keep what they hung on a signal. */
export const badAborts: Readonly<Record<string, BadProvider>> = {
  'tags after an abort': {
    spoil: replacing((good) => ({ tag: (path, tags, context) => good.tag(path, tags, unaborted(context)) })),
    caughtBy: allReject(),
  },
  'deletes after an abort': {
    spoil: replacing((good) => ({ delete: (path, options, context) => good.delete(path, options, unaborted(context)) })),
    caughtBy: allReject(),
  },
  'lists after an abort': {
    spoil: replacing((good) => ({ list: (prefix, context) => good.list(prefix, unaborted(context)) })),
    caughtBy: allReject(),
  },
  'is well after an abort': {
    spoil: replacing((good) => ({ checkHealth: (context) => good.checkHealth(unaborted(context)) })),
    caughtBy: allReject(),
  },
  'takes an abort for absence': {
    spoil: rejecting(['describe'], (error) => (error.code === 'ABORTED' ? undefined : error)),
    caughtBy: allReject(),
  },
  'leaves a listener for each call': { spoil: listening('get'), caughtBy: 'aborting: no call leaves a listener on its signal' },
  'leaves a listener for each probe': { spoil: listening('probe'), caughtBy: 'aborting: no call leaves a listener on its signal' },
}

function allReject(): string {
  return 'aborting: every member rejects if its signal is aborted already, asks nothing and changes nothing'
}

function listening(member: 'get' | 'probe'): BadProvider['spoil'] {
  return replacing((good) => ({
    [member]: (path: string, context: CallContext) => {
      context.signal.addEventListener('abort', () => good)
      return good[member](path, context)
    },
  }))
}

/** Providers that answer an aborted batch wrongly. */
export const badBatches: Readonly<Record<string, BadProvider>> = {
  'goes on with a batch after an abort': {
    spoil: replacing((good) => ({ getMany: (paths, context) => Promise.race([onceAborted(context), oneByOne(good, paths, context)]) })),
    caughtBy: 'batch: an aborted batch rejects, as a whole or for each path, and asks no more',
  },
}

async function onceAborted({ signal }: CallContext): Promise<never> {
  return new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new SecretsError('ABORTED', 'the call was aborted')))
  })
}

async function oneByOne(
  good: MemoryProvider,
  paths: readonly string[],
  context: CallContext,
): ReturnType<NonNullable<SecretProvider['getMany']>> {
  const answers: Awaited<ReturnType<NonNullable<SecretProvider['getMany']>>>[number][] = []
  for (const path of paths) answers.push(...(await Promise.allSettled([good.get(path, unaborted(context))])))
  return answers
}

async function collected(list: AsyncIterable<ListedSecret>): Promise<readonly ListedSecret[]> {
  const all: ListedSecret[] = []
  for await (const one of list) all.push(one)
  return all
}
