import { type CallContext, SecretsError, type SecretProvider, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import { isUpcoming, limiter } from '@finchat/secrets-core/provider'
import { unexpectedAnswer, listOf, mismatchOf, type Origin, releasedVersion, versionOf } from '../model/answers.ts'
import type { Api } from '../client/api.ts'
import { isSameSecret } from '../model/arn.ts'
import { unknownActionNames } from '../errors/aws-errors.ts'
import { settle } from '../client/settle.ts'
import { limits } from '../model/limits.ts'
import { assertPath } from '../model/input.ts'
import type { ReadOne } from './get.ts'
import type { OutputOf } from '../model/sdk.ts'

type Result = PromiseSettledResult<StoredSecret | undefined>

const callsAtOnce = 10
/** How long a denial of `BatchGetSecretValue`, an IAM action of its own, is remembered. */
const denialMs = 600_000

/** These end the whole batch: no time, or no usable credentials. */
const aboutTheStore: ReadonlySet<SecretsErrorCode> = new Set(['CREDENTIALS_MISSING', 'UNAUTHENTICATED', 'DEADLINE_EXCEEDED', 'ABORTED'])
/** These concern the batch and perhaps not its secrets, which are then read one by one. */
const aboutTheBatch: ReadonlySet<SecretsErrorCode> = new Set([
  'PERMISSION_DENIED',
  'RATE_LIMITED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'INTERNAL',
])
/** These a single read would answer too; any other error is left to a single read. */
const aboutTheSecret: ReadonlySet<SecretsErrorCode> = new Set(['DELETED', 'PERMISSION_DENIED', 'CONFIGURATION'])

interface Reading {
  readonly context: CallContext
  /** The failure that ended the batch. */
  ended?: PromiseRejectedResult
}

/** Reads many secrets by `BatchGetSecretValue`, 20 at a time. */
export function readMany(api: Api, origin: Origin, read: ReadOne): NonNullable<SecretProvider['getMany']> {
  const reader = new BatchReader(api, origin, read)
  return async (paths, context) => {
    const checks = paths.map(refusal)
    const sound = paths.filter((_, index) => checks[index] === undefined)
    const reading: Reading = { context }
    const results = (await Promise.all(chunksOf(sound).map((chunk) => reader.readChunk(chunk, reading)))).flat()
    const byPath = new Map(sound.map((path, index) => [path, results[index]]))
    return paths.map((path, index) => checks[index] ?? byPath.get(path) ?? { status: 'rejected', reason: unexpectedAnswer() })
  }
}

function chunksOf(paths: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(paths.length / limits.batchIds) }, (_, index) =>
    paths.slice(index * limits.batchIds, (index + 1) * limits.batchIds),
  )
}

class BatchReader {
  readonly #api: Api
  readonly #origin: Origin
  readonly #read: ReadOne
  readonly #batches = limiter(callsAtOnce)
  readonly #singles = limiter(callsAtOnce)
  #deniedUntil = 0

  constructor(api: Api, origin: Origin, read: ReadOne) {
    this.#api = api
    this.#origin = origin
    this.#read = read
  }

  async readChunk(paths: readonly string[], reading: Reading): Promise<Result[]> {
    if (paths.length < 2 || isUpcoming(this.#deniedUntil, denialMs)) return this.#readEach(paths, reading)
    const answer = await this.#fetch(paths, reading)
    if (answer.status === 'rejected') {
      if (!isAboutTheBatch(answer.reason)) return paths.map(() => answer)
      if (answer.reason.code === 'PERMISSION_DENIED') this.#deniedUntil = Date.now() + denialMs
      return this.#readEach(paths, reading)
    }
    const batch = parseBatch(answer.value)
    return Promise.all(paths.map(async (path) => (await resultOf(this.#api, batch, path, this.#origin)) ?? this.#readAlone(path, reading)))
  }

  #fetch(paths: readonly string[], reading: Reading): Promise<PromiseSettledResult<Answer>> {
    return this.#batches(async () => reading.ended ?? recordEnd(await settle(fetchBatch(this.#api, paths, reading.context)), reading))
  }

  #readEach(paths: readonly string[], reading: Reading): Promise<Result[]> {
    return Promise.all(paths.map((path) => this.#readAlone(path, reading)))
  }

  #readAlone(path: string, reading: Reading): Promise<Result> {
    return this.#singles(async () => reading.ended ?? recordEnd(await settle(this.#read(path, reading.context)), reading))
  }
}

function recordEnd<T>(result: PromiseSettledResult<T>, reading: Reading): PromiseSettledResult<T> {
  const isEnd = result.status === 'rejected' && SecretsError.isInstance(result.reason) && aboutTheStore.has(result.reason.code)
  if (isEnd) reading.ended = result
  return result
}

/** Older emulators have no batches. */
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

/** `undefined` if the answer is not understood. */
function parseBatch({ SecretValues: values, Errors: errors }: Answer): Batch | undefined {
  try {
    return { values: listOf(values), errors: listOf(errors) }
  } catch {
    return undefined
  }
}

/** The batch's result for one path; `undefined` if a single read must decide. */
async function resultOf(api: Api, batch: Batch | undefined, path: string, origin: Origin): Promise<Result | undefined> {
  if (batch === undefined) return { status: 'rejected', reason: unexpectedAnswer() }
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
  const mismatch = mismatchOf(value, path, origin)
  if (mismatch !== undefined) throw mismatch
  return releasedVersion(versionOf(value))?.secret
}

/** A bad path fails alone. */
function refusal(path: string): PromiseRejectedResult | undefined {
  try {
    assertPath(path)
    return undefined
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}
