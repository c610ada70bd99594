import { isInForeground } from './foreground.ts'

/** What a terminal sends to its whole foreground group: there the child has it already. */
const ofTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGCONT', 'SIGWINCH']
const others: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']
/** Those that leave no core file, which would hold the values; Node.js starts its inspector on SIGUSR1. */
const fatal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGALRM', 'SIGUSR2']

/** Hears a signal; `isSent`: the child has it already. */
export type HearSignal = (signal: NodeJS.Signals, isSent: boolean) => void

/** Hears signals instead of ending by them, until the function that it returns is called. */
export function hearSignals(hear: HearSignal): () => void {
  const heard = (signal: NodeJS.Signals): void => {
    hear(signal, ofTerminal.includes(signal) && isInForeground())
    if (signal === 'SIGTSTP') process.kill(process.pid, 'SIGSTOP')
  }
  for (const signal of [...ofTerminal, ...others]) process.on(signal, heard)
  return () => {
    for (const signal of [...ofTerminal, ...others]) process.off(signal, heard)
  }
}

/** Ends this process as the child ended, so that a shell sees the signal. Returns where that is not possible. */
export function endBySignal(signal: NodeJS.Signals): void {
  if (fatal.includes(signal)) process.kill(process.pid, signal)
}
