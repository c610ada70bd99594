import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pause } from '@finchat/secrets-core/provider'
import { isStopped } from './process-state.ts'

/** So long it takes at most until the end of a process is known here. */
const knownMs = 100

/**
 * A process in the group of this one that ends or stops by every signal. It tells whether a signal came to all of
 * the group, as from a terminal, or to this process alone: Node.js does not tell who sent a signal.
 */
export class GroupWitness {
  #process: ChildProcess | undefined
  #isOver = false

  constructor() {
    this.#start()
  }

  /** Whether the whole group has this signal. Where no witness can be started, yes. */
  async hasGot(signal: NodeJS.Signals): Promise<boolean> {
    const witness = this.#process
    if (witness?.pid === undefined) return true
    if (signal === 'SIGTSTP') return isStopped(witness.pid)
    await pause(knownMs, undefined, once(witness, 'exit'))
    if (witness.signalCode === null && witness.exitCode === null) return false
    if (witness === this.#process && !this.#isOver) this.#start()
    return true
  }

  end(): void {
    this.#isOver = true
    this.#process?.kill('SIGKILL')
  }

  /** It ends with this process, whose end closes its input, and leaves no core file. */
  #start(): void {
    const witness = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec cat'], { env: {}, stdio: ['pipe', 'ignore', 'ignore'] })
    witness.on('error', () => undefined)
    witness.stdin.on('error', () => undefined)
    witness.unref()
    this.#process = witness
  }
}
