import { existsSync, readFileSync } from 'node:fs'

/** What Linux tells of a process: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
interface ProcessState {
  /** `T` is stopped. */
  readonly state: string
  readonly group: string
  readonly foreground: string
}

/** Undefined on other systems, and once the process is gone. */
function stateOf(pid: number | 'self'): ProcessState | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Behind the name, which may hold spaces: state, parent, group, session, terminal, its foreground group.
    const [state = '', , group = '', , , foreground = ''] = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return { state, group, foreground }
  } catch {
    return undefined
  }
}

/**
 * Whether a key such as Ctrl-C reaches this process: it is in the foreground group of a terminal. The
 * child is in the same group.
 */
export function isInForeground(): boolean {
  if (process.platform === 'win32') return true // there a console alone sends signals, to all of its processes
  const own = stateOf('self')
  return own === undefined ? process.stdin.isTTY : own.group === own.foreground
}

/** Where the system does not tell, yes. */
export function isStopped(pid: number): boolean {
  return stateOf(pid)?.state === 'T' || !existsSync('/proc/self/stat')
}

/** Whether a signal waits for a process, or has stopped or ended it. */
export function hasSignal(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return /^(State:\s[TZX]|(SigPnd|ShdPnd):\s0*[1-9a-f])/m.test(status)
  } catch {
    return existsSync('/proc/self/status')
  }
}
