import type { CheckedSyslogOptions } from './syslog-options.ts'

/** A way to the server, for as long as it lasts. */
export interface SyslogChannel {
  /** Resolves when the operating system took the message: no more can be known, since syslog answers nothing. */
  readonly send: (message: string) => Promise<void>
  /** Whether an open channel keeps the process alive. */
  readonly keepAlive: (needed: boolean) => void
  /** Resolves when what was sent is on its way; at once when the signal is aborted. */
  readonly end: (signal: AbortSignal) => Promise<void>
}

/** Opens one. `gone` is called when it breaks later, at most once; until it opens, it rejects instead. */
export type OpenSyslogChannel = (options: CheckedSyslogOptions, gone: () => void) => Promise<SyslogChannel>
