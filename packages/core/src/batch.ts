import type { CallContext, SecretProvider, StoredSecret } from './contract.ts'
import { SecretsError } from './secrets-error.ts'

interface Asked {
  readonly path: string
  /** Of the call for this path alone. */
  readonly context: CallContext
  readonly resolve: (answer: Promise<StoredSecret | undefined>) => void
}

/**
 * Gathers the paths that several flights ask of one provider into a single `getMany`. It is sent when every flight that
 * joined has either asked or left (because the shared level had its answer).
 */
export class Batch {
  readonly #provider: SecretProvider
  readonly #context: CallContext
  readonly #cancel: AbortController | undefined
  readonly #cancelled = new Set<string>()
  readonly #asked: Asked[] = []
  #undecided = 1

  /** `canCancel`: every reader of the batch has a signal, and so may leave. */
  constructor(provider: SecretProvider, context: CallContext, canCancel = false) {
    this.#provider = provider
    this.#cancel = canCancel ? new AbortController() : undefined
    this.#context = this.#cancel === undefined ? context : { ...context, signal: this.#cancel.signal }
  }

  join(): void {
    this.#undecided += 1
  }

  /** `context`: for where the path is asked for by a call of its own. */
  get(path: string, context: CallContext = this.#context): Promise<StoredSecret | undefined> {
    const { promise, resolve } = Promise.withResolvers<StoredSecret | undefined>()
    this.#asked.push({ path, context, resolve })
    this.#decided()
    return promise
  }

  leave(): void {
    this.#decided()
  }

  /** Nobody waits for this path any more: the call is aborted when nobody waits for any of its paths. */
  cancel(path: string): void {
    this.#cancelled.add(path)
    if (this.#undecided === 0) this.#abortIfUnwanted()
  }

  /** All have joined. */
  seal(): void {
    this.#decided()
  }

  #decided(): void {
    this.#undecided -= 1
    if (this.#undecided === 0 && this.#asked.length > 0) this.#send()
  }

  #abortIfUnwanted(): void {
    if (this.#asked.every(({ path }) => this.#cancelled.has(path))) this.#cancel?.abort()
  }

  #send(): void {
    this.#abortIfUnwanted()
    const { getMany, get } = this.#provider
    if (getMany === undefined || this.#asked.length === 1) {
      for (const { path, context, resolve } of this.#asked) resolve(get(path, context))
      return
    }
    const paths = this.#asked.map(({ path }) => path)
    const answers = getMany(paths, this.#context).catch((error: unknown) => {
      if (SecretsError.isInstance(error) && error.code === 'UNSUPPORTED') return undefined
      throw error
    })
    for (const [index, { path, context, resolve }] of this.#asked.entries())
      resolve(answers.then((all) => (all === undefined ? get(path, context) : unsettled(all[index]))))
  }
}

function unsettled(result: PromiseSettledResult<StoredSecret | undefined> | undefined): StoredSecret | undefined {
  if (result?.status === 'fulfilled') return result.value
  throw result === undefined ? new SecretsError('INTERNAL', 'the provider left a secret of a batch out') : result.reason
}
