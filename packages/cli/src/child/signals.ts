import { pause } from '@finchat/secrets-core/provider'
import { GroupWitness } from './group-witness.ts'
import { hasSignal, isInForeground, isStopped } from './process-state.ts'

/** What a terminal sends to its whole foreground group. */
const ofTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGCONT', 'SIGWINCH']
const others: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']
/** Those that leave no core file, which would hold the values; Node.js starts its inspector on SIGUSR1. */
const fatal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGALRM', 'SIGUSR2']

/** So long the child may take to stop, and so often it is looked at. */
const [stopMs, lookMs] = [1_000, 20]

/** Who gets the signals. */
export interface SignalTarget {
  readonly pid: number | undefined
  /** `isSent`: the child has it already. Resolves when the child has it. */
  readonly hear: (signal: NodeJS.Signals, isSent: Promise<boolean>) => Promise<void>
}

/** Hears signals instead of ending by them, until `end`. */
export class SignalRelay {
  readonly #target: SignalTarget
  #witness: GroupWitness | undefined

  constructor(target: SignalTarget) {
    this.#target = target
    for (const signal of [...ofTerminal, ...others]) process.on(signal, this.#heard)
  }

  /** To be called when the child is there: what came before is not sent to it. */
  watchGroup(): void {
    this.#witness ??= new GroupWitness()
  }

  end(): void {
    for (const signal of [...ofTerminal, ...others]) process.off(signal, this.#heard)
    this.#witness?.end()
  }

  readonly #heard = (signal: NodeJS.Signals): void => {
    const passed = this.#target.hear(signal, isSent(signal, this.#witness))
    if (signal === 'SIGTSTP') void passed.then(async () => this.#stopWithChild())
  }

  /**
   * Stops this process once the child has stopped: one that goes on would lose its wrapper. The system
   * then decides, as for the child: it stops no group that no shell watches.
   */
  async #stopWithChild(): Promise<void> {
    const { pid } = this.#target
    if (pid === undefined) return
    for (let waitedMs = 0; !isStopped(pid) && waitedMs < stopMs; waitedMs += lookMs) await pause(lookMs)
    // One that waits for its own child to start cannot stop yet.
    if (!isStopped(pid) && !hasSignal(pid)) return
    process.off('SIGTSTP', this.#heard)
    process.kill(process.pid, 'SIGTSTP')
    process.on('SIGTSTP', this.#heard)
  }
}

/**
 * Whether the child has it already: a terminal, `kill` of a group, and systemd (`KillMode=control-group`)
 * send to all processes at once. A second SIGTERM is an order to end at once to many programs. No
 * process ends by SIGCONT or SIGWINCH, so that no witness shows them.
 */
async function isSent(signal: NodeJS.Signals, witness: GroupWitness | undefined): Promise<boolean> {
  const isByKey = ofTerminal.includes(signal) && isInForeground()
  if (['SIGCONT', 'SIGWINCH'].includes(signal)) return isByKey
  return witness?.hasSignal(signal, isByKey) ?? false
}

/** Ends this process as the child ended, so that a shell sees the signal. Returns where that is not possible. */
export function endBySignal(signal: NodeJS.Signals): void {
  if (fatal.includes(signal)) process.kill(process.pid, signal)
}
