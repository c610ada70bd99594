import { userInfo } from 'node:os'

/** Who runs the command, for the audit trail. A container may run as a number without a name. */
export function operator(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
