import { type CallContext, SecretsError, type SecretProvider, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import { garbled, listOf, oddityOf, type Origin, releasedVersion, versionOf } from './answers.ts'
import type { Api } from './api.ts'
import { isSameSecret } from './arn.ts'
import { limiter } from './limiter.ts'
import { limits } from './limits.ts'
import { assertPath } from './new-secret.ts'
import type { ReadOne } from './reads.ts'
import type { OutputOf } from './sdk.ts'

type Result = PromiseSettledResult<StoredSecret | undefined>

/** How many calls a batch makes at once. */
const callsAtOnce = 10
/** For so long a denial of `BatchGetSecretValue`, an IAM action of its own, is remembered. */
const denialMs = 600_000

/** What says something of the batch and nothing of its secrets, which are then read one by one. */
const aboutTheBatch: ReadonlySet<SecretsErrorCode> = new Set(['PERMISSION_DENIED', 'RATE_LIMITED', 'INVALID_ARGUMENT', 'NOT_FOUND'])
/** What a single read may overcome, where AWS says it of one secret of a batch. */
const passing: ReadonlySet<SecretsErrorCode> = new Set(['RATE_LIMITED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'])

/** Many secrets by `BatchGetSecretValue`, 20 at a time. */
export function readMany(api: Api, origin: Origin, read: ReadOne): NonNullable<SecretProvider['getMany']> {
  const [batches, singles] = [limiter(callsAtOnce), limiter(callsAtOnce)]
  let deniedUntil = 0

  const readAlone = (path: string, context: CallContext): Promise<Result> => singles(() => settle(() => read(path, context)))

  const readBatch = async (paths: readonly string[], context: CallContext): Promise<Result[]> => {
    if (paths.length < 2 || Date.now() < deniedUntil) return Promise.all(paths.map((path) => readAlone(path, context)))
    const [answer] = await Promise.allSettled([batches(() => fetchBatch(api, paths, context))])
    if (answer.status === 'rejected') {
      const code = SecretsError.isInstance(answer.reason) ? answer.reason.code : 'INTERNAL'
      if (!aboutTheBatch.has(code)) return paths.map(() => answer)
      if (code === 'PERMISSION_DENIED') deniedUntil = Date.now() + denialMs
      return Promise.all(paths.map((path) => readAlone(path, context)))
    }
    return Promise.all(paths.map(async (path) => (await resultOf(api, answer.value, path, origin)) ?? readAlone(path, context)))
  }

  return async (paths, context) => {
    const checks = paths.map(refusal)
    const sound = paths.filter((_, index) => checks[index] === undefined)
    const chunks = Array.from({ length: Math.ceil(sound.length / limits.batchIds) }, (_, index) =>
      sound.slice(index * limits.batchIds, (index + 1) * limits.batchIds),
    )
    const results = (await Promise.all(chunks.map((chunk) => readBatch(chunk, context)))).flat()
    const byPath = new Map(sound.map((path, index) => [path, results[index]]))
    return paths.map((path, index) => checks[index] ?? byPath.get(path) ?? { status: 'rejected', reason: garbled() })
  }
}

type Answer = OutputOf<'BatchGetSecretValue'>
type Value = NonNullable<Answer['SecretValues']>[number]

interface Batch {
  readonly values: readonly Value[]
  readonly errors: readonly NonNullable<Answer['Errors']>[number][]
}

async function fetchBatch(api: Api, paths: readonly string[], context: CallContext): Promise<Batch> {
  const { SecretValues: values, Errors: errors } = await api.call('BatchGetSecretValue', { SecretIdList: [...paths] }, context)
  return { values: listOf(values), errors: listOf(errors) }
}

/** What a batch says of one path; `undefined` where it says nothing that lasts. */
async function resultOf(api: Api, { values, errors }: Batch, path: string, origin: Origin): Promise<Result | undefined> {
  const value = values.find((each) => isSameSecret(path, each))
  if (value !== undefined) return settle(async () => valueFrom(value, path, origin))
  const told = errors.find(({ SecretId }) => SecretId === path)
  if (told === undefined) return undefined
  const error = await api.errorOf({ name: told.ErrorCode, message: told.Message }, 'GetSecretValue', path)
  if (error.code === 'NOT_FOUND') return { status: 'fulfilled', value: undefined }
  return passing.has(error.code) ? undefined : { status: 'rejected', reason: error }
}

function valueFrom(value: Value, path: string, origin: Origin): StoredSecret | undefined {
  const odd = oddityOf(value, path, origin)
  if (odd !== undefined) throw odd
  return releasedVersion(versionOf(value))?.secret
}

/** A bad path is its own error, and costs the others nothing. */
function refusal(path: string): PromiseRejectedResult | undefined {
  try {
    assertPath(path)
    return undefined
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}

async function settle(read: () => Promise<StoredSecret | undefined>): Promise<Result> {
  const [result] = await Promise.allSettled([read()])
  return result
}
