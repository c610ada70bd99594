import { SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { jsonTextAt } from '@finchat/secrets-core/provider'
import { isObject, member, type VaultAnswer } from '../http/answer.ts'

/** A secret that Vault made for us alone, and ends by itself. Times are epoch milliseconds. */
export interface Lease {
  readonly id: string
  /** The id of the token that it was issued under: with that it ends, whatever it says itself. */
  readonly token: string
  /** The fields as the server wrote them; outside of V8's heap, and overwritten when the lease is replaced. */
  readonly fields: Buffer
  readonly issuedAt: number
  readonly renewable: boolean
  /** How long it was granted for when it was new. */
  readonly grantedMs: number
  /** From then on it is not handed out any more: a little before the server lets it end. */
  readonly endsAt: number
  /** From then on it is renewed, or another one is got. */
  readonly renewAt: number
}

/** What was issued under this token. Throws `CONFIGURATION` for an answer without a lease: it would be made anew by every read, or never end. */
export function leaseIn(answer: VaultAnswer, token: string, askedAt: number): Lease {
  const { body, text, status } = answer
  const id = member(body, 'lease_id')
  const fields = isObject(member(body, 'data')) ? jsonTextAt(text, ['data']) : undefined
  if (typeof id !== 'string' || id === '' || fields === undefined)
    throw new SecretsError('CONFIGURATION', 'Vault answers this path without a lease', {
      remedy: 'name only paths of dynamic secrets in `leased`',
      storeStatus: String(status),
    })
  const renewable = member(body, 'renewable') === true
  return { id, token, fields: offHeap(fields), issuedAt: askedAt, renewable, ...lifeOf(grantIn(answer), askedAt) }
}

/** The lease after it was renewed, or `undefined` if another one should be got, for this one nears its end. */
export function renewedLease(lease: Lease, answer: VaultAnswer, askedAt: number): Lease | undefined {
  const ms = grantIn(answer)
  // Near its maximum a lease is renewed for less and less.
  return ms < lease.grantedMs / 2 ? undefined : { ...lease, ...lifeOf(ms, askedAt), grantedMs: lease.grantedMs }
}

/** Without the value. */
export function leaseMetadata({ id, issuedAt }: Lease, expiresAt: number): Omit<StoredSecret, 'value' | 'shape'> {
  return { revision: id, currentSince: issuedAt, expiresAt: Math.ceil(expiresAt), exclusive: true }
}

function grantIn({ body, status }: VaultAnswer): number {
  const seconds = member(body, 'lease_duration')
  if (typeof seconds === 'number' && seconds >= 0) return seconds * 1000
  throw new SecretsError('INTERNAL', 'the answer does not say how long the lease is', { storeStatus: String(status) })
}

/**
 * Counted from when it was asked for, since it may have been granted then. Tended later in its life than a token is, so that what ends with
 * its token is replaced under the next one; spread, so that a fleet does not come at once.
 */
function lifeOf(ms: number, askedAt: number): Pick<Lease, 'grantedMs' | 'endsAt' | 'renewAt'> {
  return { grantedMs: ms, endsAt: askedAt + ms - Math.min(1000, ms / 20), renewAt: askedAt + ms * (0.75 + Math.random() / 10) }
}

function offHeap(text: string): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(Buffer.byteLength(text))) // `allocUnsafeSlow` takes up to 64 bytes from the heap
  bytes.write(text)
  return bytes
}
