import { Readable } from 'node:stream'
import type { SsmProvider } from '../ssm-provider.ts'
import { providerAt } from './ssm-trial.ts'

interface Input {
  readonly Value?: string
  readonly Overwrite?: boolean
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[]
  readonly TagKeys?: readonly string[]
}

interface Request {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

interface Call {
  readonly process: number
  readonly perform: () => object
  readonly resolve: (response: object) => void
  readonly reject: (error: Error) => void
}

/** How a request ends: as it should, without an answer before or after AWS acted, or with its process. */
export type Ending = 'answer' | 'lose the request' | 'lose the answer' | 'kill before' | 'kill after'

class Refusal extends Error {}

/**
 * One parameter, as AWS documents it, and the requests of many processes to it, by the real SDK.
 * Each request waits until the test ends it, so the test decides how they interleave.
 */
export class SteppedParameter {
  /** Every value that was ever written, with its number; a new first version counts anew. */
  readonly written: { readonly value: string; readonly version: number }[] = []
  /** Processes whose requests have changed something. */
  readonly changedBy: Set<number> = new Set()
  #version = 0
  readonly #tags = new Map<string, string>()
  #waiting: Call[] = []
  #processes = 0

  /** The provider of one more process, and its number. */
  newProcess(): { readonly provider: SsmProvider; readonly process: number } {
    const process = (this.#processes += 1)
    const handle = ({ headers, body }: Request): Promise<object> =>
      new Promise((resolve, reject) => {
        const action = String(headers['x-amz-target']).replace('AmazonSSM.', '')
        const input = JSON.parse(new TextDecoder().decode(body)) as Input // as the SDK writes it
        const perform = (): object => this.#perform(process, action, input)
        this.#waiting.push({ process, perform, resolve, reject })
      })
    const clientConfig = { requestHandler: { handle }, retryStrategy: eager } as object // of what the SDK calls
    return { provider: providerAt('http://127.0.0.1:1', { clientConfig }), process }
  }

  /** Resolves when the last process has sent its request, for which it loads the SDK. */
  async begun(): Promise<void> {
    const process = this.#processes
    for (let turn = 0; turn < 1_000 && !this.#waiting.some((call) => call.process === process); turn += 1) await settled()
  }

  async end(index: number, ending: Ending): Promise<void> {
    const [call] = this.#waiting.splice(index % Math.max(1, this.#waiting.length), 1)
    if (call === undefined) return
    const response = ending === 'lose the request' || ending === 'kill before' ? undefined : answered(call.perform)
    if (ending.startsWith('kill')) this.#waiting = this.#waiting.filter(({ process }) => process !== call.process)
    else if (ending === 'answer' && response !== undefined) call.resolve({ response })
    else call.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    await settled()
  }

  /** Answers all, until no process asks any more. */
  async endAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.end(0, 'answer')
  }

  #perform(process: number, action: string, input: Input): object {
    const answer = this.#acted(action, input)
    this.changedBy.add(process)
    return answer
  }

  #acted(action: string, { Value = '', Overwrite = false, Tags = [], TagKeys = [] }: Input): object {
    if (action === 'PutParameter') {
      if (this.#version > 0 && !Overwrite) throw new Refusal('ParameterAlreadyExists')
      this.written.push({ value: Value, version: (this.#version += 1) })
      return { Version: this.#version }
    }
    if (this.#version === 0) throw new Refusal(action === 'DeleteParameter' ? 'ParameterNotFound' : 'InvalidResourceId')
    for (const { Key, Value: text } of Tags) this.#tags.set(Key, text)
    for (const key of TagKeys) this.#tags.delete(key)
    if (action === 'DeleteParameter') this.#version = 0
    return {}
  }
}

interface RetryToken {
  readonly getRetryCount: () => number
  readonly getRetryDelay: () => number
}

/** Repeats every error at once, twice: more than a strategy of the SDK does. */
const eager = {
  acquireInitialRetryToken: async () => tokenOf(0),
  refreshRetryTokenForRetry: async (token: RetryToken) => {
    if (token.getRetryCount() >= 2) throw new Error('no further attempt')
    return tokenOf(token.getRetryCount() + 1)
  },
  recordSuccess: () => {},
}

function tokenOf(count: number): RetryToken {
  return { getRetryCount: () => count, getRetryDelay: () => 0 }
}

function answered(perform: () => object): object {
  const headers = { 'content-type': 'application/x-amz-json-1.1' }
  try {
    return { statusCode: 200, headers, body: Readable.from([Buffer.from(JSON.stringify(perform()))]) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { statusCode: 400, headers, body: Readable.from([Buffer.from(JSON.stringify({ __type: error.message, message: '' }))]) }
  }
}

/** The SDK and the provider go on by promises and streams, without timers. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await new Promise(setImmediate)
}
