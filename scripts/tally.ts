// The frame of a program that checks in a scratch folder: it counts, prints what is wrong, and ends
// with the counts that CI adds up.
import { rmSync } from 'node:fs'
import { makeScratch } from './files.ts'
import { SetupError } from './toolchain.mjs'

export class Tally {
  #passed = 0
  #failed = 0
  readonly #faults: string[] = []
  readonly #isCi: boolean
  readonly #print: (line: string) => void

  constructor(isCi: boolean = Boolean(process.env['CI']), print: (line: string) => void = console.log) {
    this.#isCi = isCi
    this.#print = print
  }

  /** Counts one check, which has passed if there is nothing wrong. Returns whether it has. */
  add(faults: readonly string[]): boolean {
    if (faults.length === 0) this.#passed += 1
    else this.#failed += 1
    this.#faults.push(...faults)
    return faults.length === 0
  }

  /** Counts one check with its line and its time, and names it before each of its faults. Returns whether it has passed. */
  async timed(what: string, run: () => readonly string[] | Promise<readonly string[]>): Promise<boolean> {
    const startedAt = performance.now()
    const hasPassed = this.add((await run()).map((fault) => `${what.replaceAll(/ +/g, ' ')}: ${fault}`))
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    this.#print(`${hasPassed ? '✓' : '✗'} ${what.padEnd(49)} ${seconds.padStart(6)} s`)
    return hasPassed
  }

  /**
   * Names a check that this machine cannot make. It is no pass. In CI it is a failure, unless it
   * needs what only some machines have.
   */
  notRun(what: string, why: string, isOptional: boolean = false): void {
    if (this.#isCi && !isOptional) this.#failed += 1
    this.#print(`NOT RUN  ${what}: ${why}`)
  }

  /** Prints the faults and then the counts. Returns the exit code. */
  end(): number {
    for (const fault of this.#faults) console.error(fault)
    this.#print(`${this.#passed} passed, ${this.#failed} failed`)
    return this.#failed > 0 ? 1 : 0
  }
}

/** Runs a check in a new folder, which it removes at the end. */
export async function checkInScratch(prefix: string, check: (folder: string, tally: Tally) => void | Promise<void>): Promise<void> {
  const folder = makeScratch(prefix)
  const tally = new Tally()
  try {
    await check(folder, tally)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    tally.add([error.message])
  } finally {
    rmSync(folder, { recursive: true, maxRetries: 5 }) // Windows holds files of a process that has just ended
  }
  process.exitCode = tally.end()
}
