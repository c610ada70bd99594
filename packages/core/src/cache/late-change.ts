import type { CachedStore } from './provider-cache.ts'
import { own } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'

/** Drops what was read of the path until a change landed that had been given up on: it may be what was there before. */
export async function dropAfter(landing: Promise<unknown>, store: CachedStore, path: string): Promise<void> {
  const [landed] = await Promise.allSettled([landing])
  if (landed.status === 'rejected' && !hasEffect(landed.reason)) return
  const version = landed.status === 'fulfilled' ? own(landed.value, 'version') : undefined
  store.noteChange(path)
  await store.invalidate(path, typeof version === 'number' ? version : undefined)
}

function hasEffect(error: unknown): boolean {
  return SecretsError.isInstance(error) && error.effect !== undefined
}
