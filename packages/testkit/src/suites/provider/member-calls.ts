import type { CallContext, SecretProvider, StagedReceipt } from '@finchat/secrets-core'
import { hasCode } from '@finchat/secrets-core/provider'
import { assertRejected, canary, type Suite, type Trial } from './trial.ts'
import { named } from './calls/watched-calls.ts'

/** One call of a member on one path. */
export interface MemberCall {
  readonly member: string
  readonly run: (context: CallContext) => Promise<unknown>
}

type Parts = readonly (MemberCall | undefined | false)[]

const present = (calls: Parts): readonly MemberCall[] => calls.filter((call) => call !== undefined && call !== false)

/** Every member that reads the current or a former version at this path. */
export function readsOf({ manifest }: Suite, { provider }: Trial, path: string): readonly MemberCall[] {
  const { get, getVersion, getMany, describe, probe } = provider
  const numbered = manifest.numbering !== undefined
  return present([
    { member: 'get', run: (context) => get(path, context) },
    getVersion && numbered && { member: 'getVersion', run: (context) => getVersion(path, 1, context) },
    getVersion && { member: 'getVersion', run: (context) => getVersion(path, 'previous', context) },
    getMany && { member: 'getMany', run: (context) => named('getMany', onlyAnswer(getMany([path], context))) },
    describe && { member: 'describe', run: (context) => describe(path, context) },
    probe && { member: 'probe', run: (context) => probe(path, context) },
  ])
}

/** The answer for the only path of a batch. */
async function onlyAnswer(batch: ReturnType<NonNullable<SecretProvider['getMany']>>): Promise<unknown> {
  const [answer] = await batch
  if (answer?.status !== 'fulfilled') throw answer === undefined ? assertRejected('getMany', answer) : answer.reason
  return answer.value
}

/** A list to its end, as one call; none if the provider has no list. */
export function listsOf({ provider: { list } }: Trial, prefix = ''): readonly MemberCall[] {
  if (list === undefined) return []
  const all = async (context: CallContext): Promise<readonly string[]> => {
    const paths: string[] = []
    for await (const { path } of list(prefix, context)) paths.push(path)
    return paths
  }
  return [{ member: 'list', run: (context) => named('list', all(context)) }]
}

/** What a failed write must not have written. */
export const lostValue: string = `${canary}-lost`

/** Every member that changes a live secret, and what it staged; `pending` was staged before. */
export function writesOf({ provider }: Trial, path: string, pending: StagedReceipt | undefined): readonly MemberCall[] {
  const { put, tag, staging } = provider
  const remove = provider.delete
  return present([
    put && { member: 'put', run: (context) => put(path, { value: lostValue }, context) },
    tag && { member: 'tag', run: (context) => tag(path, { lost: 'yes' }, context) },
    ...stagedOf(staging, path, pending),
    remove && { member: 'delete', run: (context) => named('delete', removing(remove, path, context)) },
  ])
}

/** Deletes, and for good if the provider cannot undo a delete. */
async function removing(remove: NonNullable<SecretProvider['delete']>, path: string, context: CallContext): Promise<unknown> {
  try {
    return await remove(path, { purge: false }, context)
  } catch (error) {
    if (hasCode(error, 'UNSUPPORTED')) return remove(path, { purge: true }, context)
    throw error
  }
}

function stagedOf(staging: SecretProvider['staging'], path: string, pending: StagedReceipt | undefined): Parts {
  if (staging === undefined) return []
  const { put, get, promote, discard } = staging
  return [
    { member: 'staging.get', run: (context) => get(path, context) },
    pending === undefined && { member: 'staging.put', run: (context) => put(path, { value: lostValue }, context) },
    pending && { member: 'staging.promote', run: (context) => promote(path, pending, context) },
    pending && { member: 'staging.discard', run: (context) => discard(path, pending, context) },
  ]
}

export function restoresOf({ provider: { restore } }: Trial, path: string): readonly MemberCall[] {
  return restore ? [{ member: 'restore', run: (context) => restore(path, context) }] : []
}
