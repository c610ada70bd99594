import { channel } from 'node:diagnostics_channel'
import type { AuditTrail, SecretsManager } from '@finchat/secrets-core'
import { quoted, warnOperator } from '@finchat/secrets-core/provider'
import { decoyKey } from './decoy-key.ts'
import { isDecoy } from './decoy.ts'

/** What subscribers of `finchat.secrets.decoy` receive; never the decoy. */
export interface DecoyUse {
  /** The secret as which it was presented. */
  readonly name: string
  readonly actor?: string | undefined
  readonly requestId?: string | undefined
}

const uses = channel('finchat.secrets.decoy')

/** How long the audit trail may take, in milliseconds. */
const recordMs = 5_000

/** Makes of a manager one that reports each decoy that is presented to `verifySecret`. */
export type DecoyWatch = (secrets: SecretsManager, trail: AuditTrail | undefined) => SecretsManager

export function decoyWatchOf(keyText: string): DecoyWatch {
  const key = decoyKey(keyText)
  return (secrets, trail) => ({ ...secrets, verifySecret: reporting(secrets, key, trail) })
}

function reporting(secrets: SecretsManager, key: Uint8Array, trail: AuditTrail | undefined): SecretsManager['verifySecret'] {
  return async (name, presented, options) => {
    const isUsed = isDecoy(key, textOf(presented)) // the caller may wipe its bytes
    try {
      return await secrets.verifySecret(name, presented, options)
    } finally {
      if (isUsed) await report({ name, actor: options?.actor, requestId: options?.requestId }, trail)
    }
  }
}

function textOf(presented: unknown): string {
  if (typeof presented === 'string') return presented
  return presented instanceof Uint8Array ? Buffer.from(presented).toString('latin1') : ''
}

async function report(use: DecoyUse, trail: AuditTrail | undefined): Promise<void> {
  warnOperator(
    `A decoy was presented as ${quoted(use.name)}: a program read it from a place without secrets, such as the environment`,
    'FINCHAT_SECRETS_DECOY',
  )
  uses.publish(use)
  const event = { ...use, phase: 'outcome', operation: 'decoy', outcome: 'ok', time: Date.now() } as const
  await trail?.record(event, { signal: AbortSignal.timeout(recordMs) }).catch(() => undefined) // the warning has told it
}
