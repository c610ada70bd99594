import { delimiter, isAbsolute } from 'node:path'

/**
 * The PATH without the folders that depend on where a program runs, which may be another user's.
 */
export function searchPath(): string {
  return (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter)
}
