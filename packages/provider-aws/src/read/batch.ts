import { type CallContext, SecretsError, type SecretProvider, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import { garbled, listOf, oddityOf, type Origin, releasedVersion, versionOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { isSameSecret } from '../model/arn.ts'
import { unknownActionNames } from '../errors/aws-errors.ts'
import { limiter, settle } from '../client/concurrency.ts'
import { limits } from '../model/limits.ts'
import { assertPath } from '../model/input.ts'
import type { ReadOne } from './get.ts'
import type { OutputOf } from '../model/sdk.ts'

type Result = PromiseSettledResult<StoredSecret | undefined>

/** How many calls a batch makes at once. */
const callsAtOnce = 10
/** For so long a denial of `BatchGetSecretValue`, an IAM action of its own, is remembered. */
const denialMs = 600_000

/** What holds for every other secret too, so that nobody is asked for them: there is no time left, or nobody to ask as. */
const aboutTheStore: ReadonlySet<SecretsErrorCode> = new Set(['CREDENTIALS_MISSING', 'UNAUTHENTICATED', 'DEADLINE_EXCEEDED', 'ABORTED'])
/** What AWS says of the batch and perhaps not of its secrets, which are then read one by one. */
const aboutTheBatch: ReadonlySet<SecretsErrorCode> = new Set([
  'PERMISSION_DENIED',
  'RATE_LIMITED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'INTERNAL',
])
/** What a single read says of the secret too; all else of one secret in a batch is left to a single read. */
const aboutTheSecret: ReadonlySet<SecretsErrorCode> = new Set(['DELETED', 'PERMISSION_DENIED', 'CONFIGURATION'])

/** The reads of one `getMany`. */
interface Reading {
  readonly context: CallContext
  /** The failure that ended it. */
  ended?: PromiseRejectedResult
}

/** Many secrets by `BatchGetSecretValue`, 20 at a time. */
export function readMany(api: Api, origin: Origin, read: ReadOne): NonNullable<SecretProvider['getMany']> {
  const [batches, singles] = [limiter(callsAtOnce), limiter(callsAtOnce)]
  let deniedUntil = 0

  const readAlone = (path: string, reading: Reading): Promise<Result> =>
    singles(async () => reading.ended ?? noted(await settle(read(path, reading.context)), reading))

  const readBatch = async (paths: readonly string[], reading: Reading): Promise<Result[]> => {
    const readEach = (): Promise<Result[]> => Promise.all(paths.map((path) => readAlone(path, reading)))
    const deniedMs = deniedUntil - Date.now() // more, where the clock was set back
    if (paths.length < 2 || (deniedMs > 0 && deniedMs <= denialMs)) return readEach()
    const answer = await batches(async () => reading.ended ?? noted(await settle(fetchBatch(api, paths, reading.context)), reading))
    if (answer.status === 'rejected') {
      if (!isAboutTheBatch(answer.reason)) return paths.map(() => answer)
      if (answer.reason.code === 'PERMISSION_DENIED') deniedUntil = Date.now() + denialMs
      return readEach()
    }
    const batch = understood(answer.value)
    return Promise.all(paths.map(async (path) => (await resultOf(api, batch, path, origin)) ?? readAlone(path, reading)))
  }

  return async (paths, context) => {
    const checks = paths.map(refusal)
    const sound = paths.filter((_, index) => checks[index] === undefined)
    const chunks = Array.from({ length: Math.ceil(sound.length / limits.batchIds) }, (_, index) =>
      sound.slice(index * limits.batchIds, (index + 1) * limits.batchIds),
    )
    const reading: Reading = { context }
    const results = (await Promise.all(chunks.map((chunk) => readBatch(chunk, reading)))).flat()
    const byPath = new Map(sound.map((path, index) => [path, results[index]]))
    return paths.map((path, index) => checks[index] ?? byPath.get(path) ?? { status: 'rejected', reason: garbled() })
  }
}

function noted<T>(result: PromiseSettledResult<T>, reading: Reading): PromiseSettledResult<T> {
  const isEnd = result.status === 'rejected' && SecretsError.isInstance(result.reason) && aboutTheStore.has(result.reason.code)
  if (isEnd) reading.ended = result
  return result
}

/** Older emulators have no batches at all. */
function isAboutTheBatch(error: unknown): error is SecretsError {
  if (!SecretsError.isInstance(error)) return false
  return aboutTheBatch.has(error.code) || unknownActionNames.some((name) => error.storeStatus?.endsWith(name))
}

type Answer = OutputOf<'BatchGetSecretValue'>
type Value = NonNullable<Answer['SecretValues']>[number]

interface Batch {
  readonly values: readonly Value[]
  readonly errors: readonly NonNullable<Answer['Errors']>[number][]
}

function fetchBatch(api: Api, paths: readonly string[], context: CallContext): Promise<Answer> {
  return api.call('BatchGetSecretValue', { SecretIdList: [...paths] }, context)
}

/** `undefined` where the answer is not understood. */
function understood({ SecretValues: values, Errors: errors }: Answer): Batch | undefined {
  try {
    return { values: listOf(values), errors: listOf(errors) }
  } catch {
    return undefined
  }
}

/** What a batch says of one path; `undefined` where a single read may say something else. */
async function resultOf(api: Api, batch: Batch | undefined, path: string, origin: Origin): Promise<Result | undefined> {
  if (batch === undefined) return { status: 'rejected', reason: garbled() }
  const { values, errors } = batch
  const value = values.find((each) => isSameSecret(path, each))
  if (value !== undefined) return settle(valueFrom(value, path, origin))
  const told = errors.find(({ SecretId }) => SecretId === path)
  if (told === undefined) return undefined
  const error = await api.errorOf({ name: told.ErrorCode, message: told.Message }, 'GetSecretValue', path)
  if (error.code === 'NOT_FOUND') return { status: 'fulfilled', value: undefined }
  return aboutTheSecret.has(error.code) ? { status: 'rejected', reason: error } : undefined
}

async function valueFrom(value: Value, path: string, origin: Origin): Promise<StoredSecret | undefined> {
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
