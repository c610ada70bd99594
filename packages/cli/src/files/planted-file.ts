import { lstatSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Everybody may write there, and may remove nothing of others, as in /tmp. */
const sharedByAll = 0o1002

/** Whether another user may have put this into a folder that all users share. A link counts as its own file. */
export function isPlanted(path: string): boolean {
  const own = process.getuid?.() // Windows has none
  try {
    const isShared = (statSync(dirname(path)).mode & sharedByAll) === sharedByAll
    return own !== undefined && isShared && ![own, 0].includes(lstatSync(path).uid)
  } catch {
    return false // it is not there
  }
}
