import { type CallContext, type ListedSecret, type SecretDescription, SecretsError, type SecretProvider } from '@finchat/secrets-core'
import { hasCode, invalidArgument } from '@finchat/secrets-core/provider'
import { currentSinceOf, deleted, isDated, labelsByIdOf, listOf, pagesOf, tagsOf, unexpectedAnswer } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { withoutValue } from '../errors/aws-errors.ts'
import { type History, historyOf, type LabelledVersion } from '../model/history.ts'
import { current, isInUse, isUnreleased, madeNumberOf } from '../model/labels.ts'
import { isSecretName } from '../model/limits.ts'
import type { OutputOf } from '../model/sdk.ts'
import { assertPath } from '../model/input.ts'
import { unlessMissing } from './get.ts'

const pageSize = 100

/** Yields every name with the prefix, by pages of 100. */
export async function* listSecrets(api: Api, prefix: string, context: CallContext): AsyncGenerator<ListedSecret> {
  if (typeof prefix !== 'string') throw invalidArgument('a prefix is text')
  if (prefix !== '' && !isSecretName(prefix)) return // such a name cannot exist
  // In a filter `!` means negation.
  const Filters = prefix === '' || prefix.startsWith('!') ? [] : [{ Key: 'name' as const, Values: [prefix] }]
  const filtered = { MaxResults: pageSize, ...(Filters.length > 0 && { Filters }) }
  for await (const { SecretList: secrets } of pagesOf((next) => api.call('ListSecrets', { ...filtered, ...next }, context))) {
    if (secrets === undefined) throw unexpectedAnswer() // an empty page is a list
    for (const { Name: path, Tags, SecretVersionsToStages: labels } of listOf(secrets)) {
      // The filter is less exact than a prefix, and an impossible name could not be read.
      if (isSecretName(path) && path.startsWith(prefix) && !isHidden(labels)) yield { path, tags: tagsOf(Tags) }
    }
  }
}

/** Whether only a staged version exists. */
function isHidden(labelsById: unknown): boolean {
  return Object.values(labelsByIdOf(labelsById)).some((labels) => labels.includes(current) && isUnreleased(labels))
}

export function describe(api: Api): NonNullable<SecretProvider['describe']> {
  return async (path, context) => {
    assertPath(path)
    const found = await findCurrent(api, path, context)
    if (found === undefined) return undefined
    const { history, current: now, tags } = found
    const { arn } = history
    const created = await creationDates(api, arn, history.versions, context)
    const versions = releasedVersions(history).map((version) => described(arn, version, created))
    return { ...described(arn, now, created), currentNotBefore: created.get(now.revision), tags: tagsOf(tags), versions }
  }
}

interface Current {
  readonly history: History
  readonly current: LabelledVersion
  readonly tags: OutputOf<'DescribeSecret'>['Tags']
}

/** By one `DescribeSecret`, which decrypts nothing. */
export async function findCurrent(api: Api, path: string, context: CallContext): Promise<Current | undefined> {
  const secret = await unlessMissing(api.call('DescribeSecret', { SecretId: path }, context))
  if (secret === undefined) return undefined
  if (secret.DeletedDate !== undefined) throw deleted()
  const history = historyOf(secret.ARN, labelsByIdOf(secret.VersionIdsToStages))
  if (history.holder === undefined) throw new SecretsError(withoutValue.code, withoutValue.problem, { remedy: withoutValue.remedy })
  return history.current && { history, current: history.current, tags: secret.Tags }
}

/** Versions that a number or `previous` can read. */
function releasedVersions({ versions, neverCurrent }: History): readonly LabelledVersion[] {
  const released = versions.filter(({ labels }) => !isUnreleased(labels) && (madeNumberOf(labels) !== undefined || isInUse(labels)))
  return released.filter((each) => !neverCurrent.includes(each))
}

function described(
  arn: string,
  { revision, version, labels }: LabelledVersion,
  created: ReadonlyMap<string, number>,
): Pick<SecretDescription, 'version' | 'revision' | 'currentSince'> {
  const createdAt = created.get(revision)
  return { version, revision, currentSince: createdAt && currentSinceOf({ arn, revision, labels }, createdAt) }
}

/** Creation times in epoch milliseconds. Empty if no version needs them or a policy denies them. */
async function creationDates(
  api: Api,
  arn: string,
  versions: readonly LabelledVersion[],
  context: CallContext,
): Promise<ReadonlyMap<string, number>> {
  const created = new Map<string, number>()
  if (!versions.some(({ revision, labels }) => isDated({ arn, revision, labels }))) return created
  const asked = { SecretId: arn, MaxResults: pageSize }
  try {
    for await (const { Versions: page } of pagesOf((next) => api.call('ListSecretVersionIds', { ...asked, ...next }, context))) {
      for (const { VersionId: id, CreatedDate: date } of listOf(page)) if (id !== undefined && date) created.set(id, date.getTime())
    }
  } catch (error) {
    if (!hasCode(error, 'PERMISSION_DENIED')) throw error
  }
  return created
}
