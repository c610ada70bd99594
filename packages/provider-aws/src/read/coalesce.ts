import type { SecretProvider, StoredSecret } from '@finchat/secrets-core'
import { untilAborted } from '@finchat/secrets-core/provider'
import { settle } from '../client/settle.ts'
import { assertPath } from '../model/input.ts'
import type { ReadOne } from './get.ts'

type GetMany = NonNullable<SecretProvider['getMany']>
type Answer = PromiseWithResolvers<StoredSecret | undefined>

/** Reads that began in one turn of the event loop. */
interface Gathering {
  readonly answers: Map<string, Answer>
  readonly controller: AbortController
  readers: number
}

/**
 * Joins the single reads of one turn of the event loop into one batch. An aborted reader does not
 * affect the others.
 */
export function coalescedReads(getMany: GetMany): ReadOne {
  let gathering: Gathering | undefined
  const gather = (): Gathering => {
    const begun: Gathering = { answers: new Map(), controller: new AbortController(), readers: 0 }
    setImmediate(() => {
      gathering = undefined
      void answerAll(begun, getMany)
    })
    return begun
  }
  return async (path, { signal }) => {
    assertPath(path)
    // A batch that all its readers left takes no new one.
    if (gathering === undefined || gathering.controller.signal.aborted) gathering = gather()
    return readFrom(gathering, path, signal)
  }
}

async function readFrom(gathering: Gathering, path: string, signal: AbortSignal): Promise<StoredSecret | undefined> {
  const answer = gathering.answers.get(path) ?? Promise.withResolvers()
  gathering.answers.set(path, answer)
  answer.promise.catch(() => {}) // each waiting reader gets the error
  gathering.readers += 1
  try {
    return ownCopy(await untilAborted(answer.promise, signal))
  } finally {
    gathering.readers -= 1
    if (gathering.readers === 0) gathering.controller.abort()
  }
}

async function answerAll({ answers, controller }: Gathering, getMany: GetMany): Promise<void> {
  const results = await settle(getMany([...answers.keys()], { signal: controller.signal }))
  for (const [index, { resolve, reject }] of [...answers.values()].entries()) {
    const result = results.status === 'fulfilled' ? results.value[index] : results
    if (result?.status === 'fulfilled') resolve(result.value)
    else reject(result?.reason)
  }
}

/** The core overwrites the bytes it gets, and several readers share this secret. */
function ownCopy(secret: StoredSecret | undefined): StoredSecret | undefined {
  return secret?.value instanceof Uint8Array ? { ...secret, value: Uint8Array.from(secret.value) } : secret
}
