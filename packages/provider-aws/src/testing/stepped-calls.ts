import { SecretsError } from '@finchat/secrets-core'
import type { Api } from '../client/api.ts'
import type { ActionName } from '../model/sdk.ts'
import type { LabelledSecret } from './labelled-secret.ts'

interface Call {
  readonly process: number
  readonly perform: () => object
  /** By a replica that is so many actions behind; other actions go to the store. */
  readonly performBehind: (actions: number) => object
  readonly resolve: (answer: object) => void
  readonly reject: (error: unknown) => void
  /** The answer to an earlier attempt was lost. */
  isRepeated: boolean
}

/**
 * How a call ends: as it should, by a lagging replica, with a lost answer, or with its process,
 * before or after AWS acted. A repeated call waits for another ending.
 */
export type Ending = 'answer' | 'answer from behind' | 'lose the answer' | 'send again' | 'kill before' | 'kill after'

/**
 * The calls of many processes to one secret. Each waits until the test ends it, so the test decides
 * how they interleave.
 */
export class SteppedCalls {
  readonly #secret: LabelledSecret
  #waiting: Call[] = []
  #processes = 0

  constructor(secret: LabelledSecret) {
    this.#secret = secret
  }

  /** The API of one more process. */
  newProcess(): Api {
    const process = (this.#processes += 1)
    const call = (action: ActionName, input: object): Promise<object> =>
      new Promise((resolve, reject) => {
        const perform = (): object => this.#secret.perform(action, input as Readonly<Record<string, unknown>>) // an object of the SDK
        const performBehind = (actions: number): object => (action === 'DescribeSecret' ? this.#secret.describedBefore(actions) : perform())
        this.#waiting.push({ process, perform, performBehind, resolve, reject, isRepeated: false })
      })
    return { call, errorOf: () => Promise.reject(new Error('there are no batches here')) } as Api // answers are of the action's type
  }

  get waiting(): number {
    return this.#waiting.length
  }

  async end(index: number, ending: Ending): Promise<void> {
    const [call] = this.#waiting.splice(index % Math.max(1, this.#waiting.length), 1)
    if (call === undefined) return
    if (ending === 'kill before' || ending === 'kill after') {
      if (ending === 'kill after') attempt(call.perform)
      this.#waiting = this.#waiting.filter(({ process }) => process !== call.process)
      return
    }
    if (ending === 'send again') {
      attempt(call.perform)
      this.#waiting.push({ ...call, isRepeated: true })
      return
    }
    const outcome = attempt(ending === 'answer from behind' ? () => call.performBehind(1 + (index % 4)) : call.perform)
    if (ending === 'lose the answer') call.reject(new SecretsError('UNAVAILABLE', 'the answer is lost', { effect: 'unknown' }))
    else if (outcome.answer !== undefined) call.resolve(outcome.answer)
    else call.reject(call.isRepeated ? opened(outcome.error) : outcome.error)
    await new Promise((resolve) => setImmediate(resolve)) // its process goes on to its next call
  }

  /** Answers one process until it is done; the others stand still. */
  async finish(index: number): Promise<void> {
    const process = this.#waiting.at(index % Math.max(1, this.#waiting.length))?.process
    for (;;) {
      const at = this.#waiting.findIndex((call) => call.process === process)
      if (at === -1) return
      await this.end(at, 'answer')
    }
  }

  async endAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.end(0, 'answer')
  }
}

/** An earlier attempt was not answered. */
function opened(error: unknown): unknown {
  return SecretsError.isInstance(error) ? new SecretsError(error.code, error.problem, { ...error, effect: 'unknown' }) : error
}

type Outcome = { readonly answer: object } | { readonly answer?: undefined; readonly error: unknown }

function attempt(perform: () => object): Outcome {
  try {
    return { answer: perform() }
  } catch (error) {
    return { error }
  }
}
