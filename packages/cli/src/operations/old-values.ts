import type { Declared } from '../commands/declared.ts'
import { note, type Terminal } from '../terminal/terminal.ts'

/** Whether the value may be outdated: an earlier provider, or the store, could not be asked. */
export function isOld({ value }: Declared): boolean {
  return value?.degraded === true || value?.stale === true
}

/** A line for each value that may be outdated. */
export function warnOfOld(found: readonly Declared[], terminal: Pick<Terminal, 'stderr'>): void {
  for (const { name, value } of found) {
    if (value?.degraded) note(terminal, `warning: ${name}: an earlier provider could not be asked; this is of '${value.provider}'`)
    if (value?.stale) note(terminal, `warning: ${name}: '${value.provider}' could not be asked; this value may be outdated`)
  }
}
