import { type ChildProcess, spawn } from 'node:child_process'
import { pause } from '@finchat/secrets-core/provider'
import { hasSignal } from './process-state.ts'
import { hasEnded } from './start-child.ts'

/** So long a signal may take to reach all of a group, and so often it is looked for. */
const [knownMs, lookMs] = [100, 10]

/**
 * A process in the group of this one that ends or stops by every signal. It tells whether a signal came to all of
 * the group, as from a terminal or a supervisor, or to this process alone: Node.js does not tell who sent a signal.
 */
export class GroupWitness {
  #process: ChildProcess | undefined
  /** It has told of a signal. */
  #asked: ChildProcess | undefined
  /** It has ended by a signal that was not heard yet: its end may be known here before. */
  #former: ChildProcess | undefined
  #isOver = false

  constructor() {
    this.#start()
  }

  /** Whether the whole group has this signal, which this process just heard; `otherwise` if no witness can be started. */
  async hasSignal(signal: NodeJS.Signals, otherwise: boolean): Promise<boolean> {
    const former = this.#former
    this.#former = undefined
    if (former?.signalCode === signal) return true
    const witness = this.#process
    if (witness?.pid === undefined) return otherwise
    const { pid } = witness
    const isHit = (): boolean => hasEnded(witness) || hasSignal(pid)
    for (let waitedMs = 0; waitedMs < knownMs && !isHit(); waitedMs += lookMs) await pause(lookMs)
    if (!isHit()) return false
    this.#asked = witness
    witness.kill('SIGCONT') // it may have stopped, and this process go on
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
    witness.on('exit', (_, signal) => {
      if (signal === null || this.#isOver) return
      this.#former = witness === this.#asked ? undefined : witness
      this.#start()
    })
    witness.unref()
    this.#process = witness
  }
}
