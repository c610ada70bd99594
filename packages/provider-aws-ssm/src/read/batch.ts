import { type CallContext, SecretsError, type SecretProvider, type SecretsErrorCode, type StoredSecret } from '@finchat/secrets-core'
import { type Limiter, limiter } from '@finchat/secrets-core/provider'
import type { Api } from '../client/api.ts'
import { listOf, secretOf, unexpectedAnswer } from '../model/answers.ts'
import { limits } from '../model/limits.ts'
import { canHoldPath } from '../model/names.ts'
import type { ReadOne } from './get.ts'

type Result = PromiseSettledResult<StoredSecret | undefined>

/** AWS allows 40 reads a second by default ("Systems Manager endpoints and quotas"). */
const callsAtOnce = 10

/** These concern the batch and perhaps not its parameters, which are then read one by one. */
const aboutTheBatch: ReadonlySet<SecretsErrorCode> = new Set([
  'PERMISSION_DENIED',
  'CONFIGURATION',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'INTERNAL',
])

/** These end the whole reading: no time, or no usable credentials. */
const aboutTheStore: ReadonlySet<SecretsErrorCode> = new Set(['CREDENTIALS_MISSING', 'UNAUTHENTICATED', 'DEADLINE_EXCEEDED', 'ABORTED'])

interface Reading {
  readonly api: Api
  readonly read: ReadOne
  readonly limit: Limiter
  readonly context: CallContext
}

/** Limited, and without a further call after a failure that ends the reading. */
function endingLimiter(): Limiter {
  const limit = limiter(callsAtOnce)
  let end: SecretsError | undefined
  return (run) =>
    limit(async () => {
      if (end !== undefined) throw end
      try {
        return await run()
      } catch (error) {
        if (SecretsError.isInstance(error) && aboutTheStore.has(error.code)) end ??= error
        throw error
      }
    })
}

/** Reads many parameters by `GetParameters`, 10 at a time. Paths that select a version are read alone. */
export function readMany(api: Api, read: ReadOne): NonNullable<SecretProvider['getMany']> {
  return async (paths, context) => {
    const reading: Reading = { api, read, context, limit: endingLimiter() }
    const plain = paths.filter(canHoldPath)
    const others = paths.filter((path) => !canHoldPath(path))
    const answered = await Promise.all([...chunksOf(plain).map((chunk) => readChunk(reading, chunk)), readEach(reading, others)])
    const byPath = new Map([...plain, ...others].map((path, index) => [path, answered.flat()[index]]))
    return paths.map((path) => byPath.get(path) ?? { status: 'rejected', reason: unexpectedAnswer() })
  }
}

function chunksOf(names: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(names.length / limits.batchNames) }, (_, index) =>
    names.slice(index * limits.batchNames, (index + 1) * limits.batchNames),
  )
}

function readEach({ read, limit, context }: Reading, paths: readonly string[]): Promise<Result[]> {
  return Promise.allSettled(paths.map((path) => limit(() => read(path, context))))
}

async function readChunk(reading: Reading, names: readonly string[]): Promise<Result[]> {
  if (names.length < 2) return readEach(reading, names)
  const [batch] = await Promise.allSettled([reading.limit(() => fetchBatch(reading, names))])
  if (batch.status === 'rejected') {
    const isAboutTheBatch = SecretsError.isInstance(batch.reason) && aboutTheBatch.has(batch.reason.code)
    return isAboutTheBatch ? readEach(reading, names) : names.map(() => batch)
  }
  return Promise.allSettled(names.map(async (name) => batch.value(name)))
}

/** A name that AWS lists as invalid does not exist, since its grammar was checked before. */
async function fetchBatch({ api, context }: Reading, names: readonly string[]): Promise<(name: string) => StoredSecret | undefined> {
  const answer = await api.call('GetParameters', { Names: [...names], WithDecryption: true }, context)
  const parameters = listOf(answer.Parameters)
  const absent: unknown = answer.InvalidParameters ?? []
  return (name) => {
    const found = parameters.find(({ Name }) => Name === name)
    if (found !== undefined) return secretOf(found, { name }, api.origin)
    if (Array.isArray(absent) && absent.includes(name)) return undefined
    throw unexpectedAnswer()
  }
}
