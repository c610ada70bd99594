import type { CallContext, ListedSecret, SecretDescription, SecretProvider } from '@finchat/secrets-core'
import { hasCode, invalidArgument, undefinedOn } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { describedBy, listOf, pagesOf, tagsOf, unexpectedAnswer } from '../model/answers.ts'
import { limits } from '../model/limits.ts'
import { canHoldPath, parsePath } from '../model/names.ts'
import { identityAt } from './get.ts'

type Names = AsyncGenerator<string>

/**
 * Yields every name with the prefix, page by page, by `DescribeParameters`, which shows no value.
 * Where that is denied, `GetParametersByPath` is asked without decryption: its right can be given
 * for one path.
 */
export async function* listParameters(api: Api, prefix: string, context: CallContext): AsyncGenerator<ListedSecret> {
  if (typeof prefix !== 'string') throw invalidArgument('a prefix is text')
  if (!/^[\w./-]{0,1024}$/.test(prefix)) return // such a name cannot exist
  let isBegun = false
  try {
    for await (const path of named(api, prefix, context)) {
      isBegun = true
      yield { path }
    }
  } catch (error) {
    if (isBegun || !hasCode(error, 'PERMISSION_DENIED')) throw error // a second list would repeat paths
    for await (const path of belowPath(api, prefix, context)) yield { path }
  }
}

async function* named(api: Api, prefix: string, context: CallContext): Names {
  const filters = prefix === '' || prefix === '/' ? {} : { ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: [prefix] }] }
  const input = { MaxResults: limits.pageSize, ...filters }
  for await (const { Parameters } of pagesOf((next) => api.call('DescribeParameters', { ...input, ...next }, context))) {
    yield* namesOf(Parameters, prefix)
  }
}

async function* belowPath(api: Api, prefix: string, context: CallContext): Names {
  const Path = prefix.slice(0, prefix.lastIndexOf('/')) || '/'
  const input = { Path, Recursive: true, WithDecryption: false, MaxResults: limits.pathPageSize }
  for await (const { Parameters } of pagesOf((next) => api.call('GetParametersByPath', { ...input, ...next }, context))) {
    yield* namesOf(Parameters, prefix)
  }
}

/** AWS's filter is less exact than a prefix, and an impossible name could not be read. */
function namesOf(page: readonly { readonly Name?: string | undefined }[] | undefined, prefix: string): string[] {
  if (page === undefined) throw unexpectedAnswer() // an empty page is a list
  return listOf(page).flatMap(({ Name }) => (canHoldPath(Name) && Name.startsWith(prefix) ? [Name] : []))
}

/** Asks for no plain value. Tags and former versions are left out where a policy denies them. */
export function describe(api: Api): NonNullable<SecretProvider['describe']> {
  return async (path, context) => {
    const parsed = parsePath(path)
    const isNewest = parsed.selector === undefined
    const [found, versions, tags] = await Promise.all([
      identityAt(api, parsed, context),
      isNewest ? ifAllowed(versionsOf(api, parsed.name, context)) : undefined,
      ifAllowed(fetchTags(api, parsed.name, context)),
    ])
    return found && { ...found, ...(versions && { versions }), ...(tags && { tags }) }
  }
}

function ifAllowed<T>(answer: Promise<T>): Promise<T | undefined> {
  return undefinedOn('NOT_FOUND', undefinedOn('PERMISSION_DENIED', answer))
}

/** AWS keeps the 100 newest (`ParameterMaxVersionLimitExceeded`). */
async function versionsOf(api: Api, name: string, context: CallContext): Promise<NonNullable<SecretDescription['versions']>> {
  const versions: NonNullable<SecretDescription['versions']>[number][] = []
  const input = { Name: name, WithDecryption: false, MaxResults: limits.pageSize }
  for await (const { Parameters } of pagesOf((next) => api.call('GetParameterHistory', { ...input, ...next }, context))) {
    for (const each of listOf(Parameters)) {
      const { version, currentSince } = describedBy(each, { name }, {}) // it has no ARN
      versions.push({ version, currentSince })
    }
  }
  return versions
}

async function fetchTags(api: Api, name: string, context: CallContext): Promise<Record<string, string>> {
  const { TagList } = await api.call('ListTagsForResource', { ResourceType: 'Parameter', ResourceId: name }, context)
  return tagsOf(TagList)
}
