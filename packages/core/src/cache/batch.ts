import { undefinedOn } from '../kit/error-code.ts'
import { aborted } from '../guard/deadline.ts'
import type { CallContext, SecretProvider, StoredSecret } from '../contract/provider.ts'
import { SecretsError } from '../errors/secrets-error.ts'

interface Asked {
  readonly path: string
  readonly context: CallContext
  readonly resolve: (answer: Promise<StoredSecret | undefined>) => void
}

interface SentCall {
  readonly wanted: Set<string>
  readonly cancel: AbortController
}

/**
 * Probes of one shared cache return within this time of each other, unless one waits for a fill
 * lease.
 */
const longestHoldMs = 10

/**
 * Combines the paths of several flights into one `getMany`. It is sent when all flights have asked
 * or left, or `longestHoldMs` after the first one asked. Without that bound two processes could
 * hold fill leases and wait for each other's.
 */
export class Batch {
  readonly #provider: SecretProvider
  readonly #context: CallContext
  readonly #canCancel: boolean
  readonly #sent = new Map<string, SentCall>()
  #asked: Asked[] = []
  #timer: NodeJS.Timeout | undefined
  #undecided = 1

  constructor(provider: SecretProvider, context: CallContext, canCancel = false) {
    this.#provider = provider
    this.#context = context
    this.#canCancel = canCancel
  }

  join(): void {
    this.#undecided += 1
  }

  get(path: string, context: CallContext = this.#context): Promise<StoredSecret | undefined> {
    const { promise, resolve } = Promise.withResolvers<StoredSecret | undefined>()
    this.#asked.push({ path, context, resolve })
    if (this.#provider.getMany === undefined) this.#send()
    // After the timer, a busy process still handles answers that arrived in this turn.
    else this.#timer ??= setTimeout(() => setImmediate(() => this.#send()), longestHoldMs)
    this.#decided()
    return promise
  }

  leave(): void {
    this.#decided()
  }

  /** No reader waits for this path any more. The call ends with its last path. */
  cancel(path: string): void {
    const held = this.#asked.find((each) => each.path === path)
    this.#asked = this.#asked.filter((each) => each !== held)
    held?.resolve(Promise.reject(aborted()))
    const call = this.#sent.get(path)
    if (call?.wanted.delete(path) && call.wanted.size === 0) call.cancel.abort()
  }

  seal(): void {
    this.#decided()
  }

  #decided(): void {
    this.#undecided -= 1
    if (this.#undecided === 0) this.#send()
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const asked = this.#asked
    this.#asked = []
    const { getMany, get } = this.#provider
    if (getMany === undefined || asked.length < 2) {
      for (const { path, context, resolve } of asked) resolve(get(path, context))
      return
    }
    const paths = asked.map(({ path }) => path)
    const answers = undefinedOn('UNSUPPORTED', getMany(paths, this.#contextOf(paths)))
    for (const [index, { path, context, resolve }] of asked.entries())
      resolve(answers.then((all) => (all === undefined ? get(path, context) : unsettled(all[index]))))
  }

  #contextOf(paths: readonly string[]): CallContext {
    if (!this.#canCancel) return this.#context
    const cancel = new AbortController()
    const call = { wanted: new Set(paths), cancel }
    for (const path of paths) this.#sent.set(path, call)
    return { ...this.#context, signal: cancel.signal }
  }
}

function unsettled(result: PromiseSettledResult<StoredSecret | undefined> | undefined): StoredSecret | undefined {
  if (result?.status === 'fulfilled') return result.value
  throw result === undefined ? new SecretsError('INTERNAL', 'the provider left a secret of a batch out') : result.reason
}
