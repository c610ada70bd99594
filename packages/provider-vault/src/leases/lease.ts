import { member } from '@finchat/secrets-core/http'
import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { isJsonObject, jsonTextAt, ownMemory } from '@finchat/secrets-core/provider'
import type { VaultAnswer } from '../http/answer.ts'
import { leaseLife, type Life, nearsItsEnd } from '../shared/renewal-time.ts'

/** A dynamic secret of this process. */
export interface Lease extends Life {
  readonly id: string
  /** The id of its token. The lease ends with that token. */
  readonly token: string
  /** The fields as the server wrote them, outside the V8 heap; overwritten when replaced. */
  readonly fields: Buffer
  readonly issuedAt: number
  readonly renewable: boolean
}

/** Throws `CONFIGURATION` for an answer without a lease, which every read would create anew. */
export function leaseIn(answer: VaultAnswer, token: string, askedAt: number): Lease {
  const { body, text, status } = answer
  const id = member(body, 'lease_id')
  const fields = isJsonObject(member(body, 'data')) ? jsonTextAt(text, ['data']) : undefined
  if (typeof id !== 'string' || id === '' || fields === undefined)
    throw new SecretsError('CONFIGURATION', 'Vault answers this path without a lease', {
      remedy: 'name only paths of dynamic secrets in `leased`',
      storeStatus: String(status),
    })
  const renewable = member(body, 'renewable') === true
  return { id, token, fields: offHeap(fields), issuedAt: askedAt, renewable, ...leaseLife(grantIn(answer), askedAt) }
}

/** The renewed lease, or undefined if it nears its end and should be replaced. */
export function renewedLease(lease: Lease, answer: VaultAnswer, askedAt: number): Lease | undefined {
  const ms = grantIn(answer)
  return nearsItsEnd(ms, lease) ? undefined : { ...lease, ...leaseLife(ms, askedAt), grantedMs: lease.grantedMs }
}

export function leaseMetadata({ id, issuedAt }: Lease, expiresAt: number): Omit<StoredSecret, 'value' | 'shape'> {
  return { revision: id, currentSince: issuedAt, expiresAt: Math.ceil(expiresAt), exclusive: true }
}

function grantIn({ body, status }: VaultAnswer): number {
  const seconds = member(body, 'lease_duration')
  if (typeof seconds === 'number' && seconds >= 0) return seconds * 1000
  throw new SecretsError('INTERNAL', 'the answer does not say how long the lease is', { storeStatus: String(status) })
}

function offHeap(text: string): Buffer {
  const bytes = ownMemory(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}
