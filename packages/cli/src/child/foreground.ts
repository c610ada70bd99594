import { readFileSync } from 'node:fs'

/**
 * Whether a key such as Ctrl-C reaches this process: it is in the foreground group of a terminal. The
 * child is in the same group.
 */
export function isInForeground(): boolean {
  try {
    const status = readFileSync('/proc/self/stat', 'utf8')
    // Behind the name, which may hold spaces: state, parent, group, session, terminal, its foreground group.
    const [, , group, , , foreground] = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return group === foreground
  } catch {
    return process.stdin.isTTY
  }
}
