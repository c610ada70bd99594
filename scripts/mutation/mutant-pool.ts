import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Selection, TestCoverage } from './test-runs.ts'

/** A request: tests to measure, or tests to run for a mutant, the likeliest to find it first. */
export type Order = { readonly cover: readonly string[] } | MutantOrder

export interface MutantOrder {
  readonly mutant: number
  readonly phases: readonly Selection[]
  /** A mutant that makes its tests take longer has been found out. */
  readonly longestMs: number
}

export type Answer = { readonly ready: true } | { readonly coverage: readonly TestCoverage[] } | { readonly survived: boolean }

/** For what takes no time by itself, on a machine that is busy. */
const longestMs = 120_000

const mostMegabytes = 768

/** One process that runs tests of mutated code, and is replaced when one of them does not end. */
export class MutantProcess {
  readonly #files: readonly string[]
  #child: ChildProcess | undefined

  constructor(files: readonly string[]) {
    this.#files = files
  }

  async coverage(testFiles: readonly string[]): Promise<readonly TestCoverage[]> {
    const answer = await this.#ask({ cover: testFiles }, 10 * longestMs)
    if (answer !== undefined && 'coverage' in answer) return answer.coverage
    throw new Error('the tests did not end, with no mutant on')
  }

  async survives(order: MutantOrder): Promise<boolean> {
    const answer = await this.#ask(order, order.longestMs)
    return answer !== undefined && 'survived' in answer && answer.survived
  }

  end(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  /** `undefined`: no answer in time, or the process ended over it. */
  async #ask(order: Order, timeoutMs: number): Promise<Answer | undefined> {
    const child = (this.#child ??= await this.#started())
    child.send(order)
    const answer = await answerOf(child, timeoutMs)
    if (answer === undefined) this.end()
    return answer
  }

  async #started(): Promise<ChildProcess> {
    const script = join(import.meta.dirname, 'mutant-process.ts')
    // What tests print while they fail is not read. A loop that gathers for ever ends by the little memory.
    const execArgv = [...process.execArgv, `--max-old-space-size=${mostMegabytes}`]
    const child = fork(script, [...this.#files], { execArgv, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    if ((await answerOf(child, longestMs)) === undefined) throw new Error('the tests of mutated code could not be started')
    return child
  }
}

async function answerOf(child: ChildProcess, timeoutMs: number): Promise<Answer | undefined> {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), timeoutMs)
  const answered = once(child, 'message', { signal: over.signal }).then(([answer]) => answer as Answer) // what mutant-process.ts sends
  const ended = once(child, 'exit', { signal: over.signal }).then(() => undefined)
  const [answer] = await Promise.allSettled([Promise.race([answered, ended])])
  clearTimeout(timer)
  over.abort()
  await Promise.allSettled([answered, ended])
  return answer.status === 'fulfilled' ? answer.value : undefined
}
