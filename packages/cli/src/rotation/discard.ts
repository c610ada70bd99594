import type { SecretsManager } from '@finchat/secrets-core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { note, type Terminal } from '../terminal/terminal.ts'

/** What `rotate --discard` did. `isStaged`: there was a version to discard. */
export interface Discarded {
  readonly isStaged: boolean
  readonly provider?: string
  readonly version?: number | undefined
  readonly revision?: string | undefined
}

const staging = { what: 'the staging of a version', name: '@finchat/secrets-core' }

/** Withdraws the staged version of a secret, so that it never becomes current. */
export async function discardStaged(secrets: SecretsManager, name: string, actor: string | undefined): Promise<Discarded> {
  const { discardSecret, pendingSecret } = await loadOnUse(staging, () => import('@finchat/secrets-core/staging'), 'discardSecret')
  const pending = await pendingSecret(secrets, name, { actor })
  if (pending === undefined) return { isStaged: false }
  await discardSecret(secrets, name, pending, { actor })
  const { provider, version, revision } = pending
  return { isStaged: true, provider, version, revision }
}

export function printDiscarded(name: string, { isStaged, ...staged }: Discarded, asJson: boolean, terminal: Terminal): void {
  if (asJson) return void terminal.stdout.write(`${JSON.stringify({ name, outcome: isStaged ? 'discarded' : 'nothing', ...staged })}\n`)
  if (!isStaged) return note(terminal, `no version of ${name} is staged`)
  const version = staged.version === undefined ? '' : `, version ${staged.version},`
  note(terminal, `what was staged for ${name}${version} is discarded at '${staged.provider}'; the current value stays`)
}
