import { SecretsError } from '@finchat/secrets-core'
import type { Api } from '../api.ts'
import type { ActionName } from '../sdk.ts'
import type { LabelledSecret } from './labelled-secret.ts'

interface Call {
  readonly process: number
  readonly perform: () => object
  readonly resolve: (answer: object) => void
  readonly reject: (error: unknown) => void
}

/** How one call ends: as it should, with its answer lost, or with its process, before AWS did it or after. */
export type Ending = 'answer' | 'lose the answer' | 'kill before' | 'kill after'

/** The calls of many processes to one secret: each waits until the test ends it, so that they interleave as the test wants. */
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
        this.#waiting.push({ process, perform, resolve, reject })
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
    const outcome = attempt(call.perform)
    if (ending === 'lose the answer') call.reject(new SecretsError('UNAVAILABLE', 'the answer is lost', { effect: 'unknown' }))
    else if (outcome.answer !== undefined) call.resolve(outcome.answer)
    else call.reject(outcome.error)
    await new Promise((resolve) => setImmediate(resolve)) // its process goes on to its next call
  }

  async endAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.end(0, 'answer')
  }
}

type Outcome = { readonly answer: object } | { readonly answer?: undefined; readonly error: unknown }

function attempt(perform: () => object): Outcome {
  try {
    return { answer: perform() }
  } catch (error) {
    return { error }
  }
}
