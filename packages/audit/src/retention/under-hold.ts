import { SecretsError } from '@finchat/secrets-core/provider'
import { shownPath } from '../disk/folder-errors.ts'
import type { HoldChange } from '../format/prune-mark.ts'
import type { HoldWatch } from './pruned-folders.ts'

/** Throws `CONFIGURATION` under a hold. To be asked under a lock of `retention-locks.ts`. */
export async function assertNotHeld(root: string, holds: HoldWatch): Promise<void> {
  const held = await holds.held()
  if (held.length > 0) throw underHold(root, held)
}

export function underHold(folder: string, held: readonly HoldChange[]): SecretsError {
  const what = held.length === 1 ? 'a legal hold' : `${held.length} legal holds`
  return new SecretsError('CONFIGURATION', `the folder ${shownPath(folder)} of the audit trail is under ${what}, ${reasonsOf(held)}`, {
    remedy: 'end each hold by releaseAuditFolder, once it is over',
  })
}

const mostNamed = 10
const mostShown = 100

/** Quoted, so that no reason can look like another part of a message. */
export function reasonsOf(held: readonly HoldChange[]): string {
  const named = held
    .slice(0, mostNamed)
    .map(({ reason }) => JSON.stringify(reason.length > mostShown ? `${reason.slice(0, mostShown)}…` : reason))
  const more = held.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
