import { userInfo } from 'node:os'
import type { Environment } from '@finchat/secrets-core'
import { visible } from './visible.ts'

/** Where the program writes: a terminal if `isTTY`. */
export interface Output {
  /** Its descriptor, where it has one. */
  readonly fd?: number | undefined
  /** Calls back with an error if the reader is gone. */
  readonly write: (data: string | Uint8Array, written?: (error?: Error | null) => void) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly getColorDepth?: ((env?: Record<string, string>) => number) | undefined
}

/** What the program is run in. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Environment
  readonly cwd: () => string
}

/** For people, on stderr: stdout is for data. What a terminal would obey is escaped. */
export function note({ stderr }: Pick<Terminal, 'stderr'>, text: string): void {
  stderr.write(`${visible(text, '\n')}\n`)
}

/** Whether this output is shown in colours: https://no-color.org */
export function hasColours({ isTTY, getColorDepth }: Output, env: Environment): boolean {
  return isTTY === true && !env['NO_COLOR'] && (getColorDepth === undefined || env['TERM'] !== 'dumb')
}

/** Who runs the command, for the audit trail. A container may run as a number without a name. */
export function operator(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
