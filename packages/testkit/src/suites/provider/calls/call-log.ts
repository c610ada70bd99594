import { AssertionError } from 'node:assert/strict'
import { SecretsError } from '@finchat/secrets-core'
import { canary } from './error-rules.ts'
import { shown } from './watched-calls.ts'

const mostSteps = 12
const mostCharacters = 40

interface Step {
  readonly name: string
  readonly call: string
  outcome: string
  reason?: unknown
}

/** What a test has done so far, in words: the calls with their arguments, and the state before. */
export class CallLog {
  #steps: Step[] = []

  clear(): void {
    this.#steps = []
  }

  /** Returns the same promise. */
  watch<T>(name: string, args: readonly unknown[], call: Promise<T>): Promise<T> {
    const step = this.note(name, args)
    void call.then(
      (answer) => void (step.outcome = ` -> ${answerOf(answer)}`),
      (reason: unknown) => {
        step.outcome = ` -> ${SecretsError.isInstance(reason) ? reason.code : 'failed'}`
        step.reason = reason
      },
    )
    return call
  }

  note(name: string, args: readonly unknown[] = []): Step {
    const said = args.map((each) => wordsOf(each)).filter((text) => text !== '')
    const step: Step = { name, call: `${name} ${said.join(', ')}`.trim(), outcome: '' }
    this.#steps.push(step)
    return step
  }

  /** Adds the steps to the message of a failed assertion, or makes one of a call that must resolve. */
  explain(error: unknown): unknown {
    if (error instanceof AssertionError) return this.#withSteps(error)
    const step = this.#steps.find(({ reason }) => reason !== undefined && reason === error)
    if (step === undefined || !SecretsError.isInstance(error)) return error
    const failed = new AssertionError({ message: `${step.name} rejected with ${error.code}; it must resolve` })
    failed.cause = error
    return this.#withSteps(failed)
  }

  #withSteps(error: AssertionError): AssertionError {
    if (this.#steps.length === 0) return error
    const { message, stack } = error
    error.message = `${message}\n${this.#words()}`
    if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
    return error
  }

  #words(): string {
    const shownSteps = this.#steps.slice(-mostSteps).map(({ call, outcome }) => `  ${call}${outcome}`)
    const left = this.#steps.length - shownSteps.length
    return ['what the test did:', ...(left > 0 ? [`  ${left} steps before`] : []), ...shownSteps].join('\n')
  }
}

function answerOf(answer: unknown): string {
  const version: unknown = typeof answer === 'object' && answer !== null && 'version' in answer ? answer.version : undefined
  return typeof version === 'number' ? `${shown(answer)} of version ${version}` : shown(answer)
}

/** An argument, without the value to write. */
function wordsOf(argument: unknown, key = ''): string {
  if (key === 'value') return sizeOf(argument)
  if (typeof argument === 'string') return argument.includes(canary) ? sizeOf(argument) : clipped(JSON.stringify(argument))
  if (Array.isArray(argument))
    return `[${argument
      .slice(0, 3)
      .map((each) => wordsOf(each))
      .join(', ')}${argument.length > 3 ? ', …' : ''}]`
  if (typeof argument !== 'object' || argument === null) return typeof argument === 'function' ? 'a function' : String(argument)
  if ('signal' in argument) return isAborted(argument.signal) ? 'with an aborted signal' : ''
  const members = Object.entries(argument).filter(([, each]) => each !== undefined)
  return members.length === 0
    ? '{}'
    : `{ ${members
        .slice(0, 8)
        .map(([name, each]) => `${clipped(name)}: ${wordsOf(each, name)}`)
        .join(', ')} }`
}

function sizeOf(value: unknown): string {
  if (typeof value === 'string') return `text of ${value.length}`
  return value instanceof Uint8Array ? `bytes of ${value.length}` : `a ${typeof value}`
}

function clipped(text: string): string {
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`
}

function isAborted(signal: unknown): boolean {
  return signal instanceof AbortSignal && signal.aborted
}
