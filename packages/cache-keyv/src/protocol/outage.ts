import type { LeaseToken, SharedKey } from '@finchat/secrets-core'
import { keyNamesOf } from '../sealed/key-names.ts'
import { sealOutageMark } from '../sealed/outage-mark.ts'
import type { CacheContext } from './context.ts'
import { releaseLease } from './fill-lease.ts'

/** When the holder of a fill lease asks again. */
const askAgainMs = 4_000
/** The others wait for it as long as a call may hang. */
const outageMs = 10_000
const clockToleranceMs = 5_000

/** `marked`: so lately that no process asks again yet. `asking`: the holder of the fill lease does. */
export type OutageState = 'marked' | 'asking' | 'none'

/** Only for the holder of a fill lease: without one, each process would write a mark. */
export async function markOutage(cache: CacheContext, key: SharedKey, { lease }: LeaseToken): Promise<void> {
  if (typeof lease !== 'string') return
  const { store, keys, namespace } = cache
  const names = keyNamesOf(key, cache)
  try {
    await store.set(names.outage, sealOutageMark(keys, { ...key, namespace }, Date.now() + outageMs), outageMs)
  } finally {
    await releaseLease(names.lease, lease, cache)
  }
}

/** `until`: by the mark, since a server can keep it longer. */
export function outageStateOf(until: number = -Infinity): OutageState {
  const leftMs = until - Date.now()
  if (!(leftMs > 0 && leftMs <= outageMs + clockToleranceMs)) return 'none'
  return leftMs > outageMs - askAgainMs ? 'marked' : 'asking'
}
