import type { StoredSecret } from '../../contract/provider.ts'
import { storedSecretOf } from '../../guard/check-answer.ts'
import { lentCopy } from '../../value/off-heap-bytes.ts'

export function isSame(holds: unknown, stored: StoredSecret | undefined): boolean {
  const held = storedSecretOf(holds)
  if (stored === undefined || stored.exclusive || held === undefined) return false
  const { value, version, revision, shape } = stored
  return held.version === version && held.revision === revision && held.shape === shape && isSameValue(held.value, value)
}

/** The highest version seen: a lagging replica must not bring back an older one. */
export function newestOf(holds: unknown, stored: StoredSecret | undefined): number | undefined {
  return Math.max(storedSecretOf(holds)?.version ?? 0, stored?.version ?? 0) || undefined
}

function isSameValue(one: string | Uint8Array, other: string | Uint8Array): boolean {
  return typeof one === 'string' || typeof other === 'string' ? one === other : Buffer.compare(one, other) === 0
}

/**
 * Core overwrites its bytes, so the shared cache gets a copy (a Buffer's `slice` would not copy).
 */
export function copyOf(secret: StoredSecret): StoredSecret {
  return typeof secret.value === 'string' ? secret : { ...secret, value: lentCopy(secret.value) }
}
