import type { PostgresLogin } from './postgres-login.ts'
import { rotatedName, type RotatedStore, rotatedStore } from './rotated-store.ts'

export interface RotatedPostgres extends RotatedStore, Pick<PostgresLogin, 'config'> {
  readonly rotate: () => Promise<unknown>
}

export async function rotatedPostgres({ first, config, rotate }: PostgresLogin): Promise<RotatedPostgres> {
  const store = await rotatedStore(first)
  return { ...store, config, rotate: () => rotate(store.rotator, rotatedName) }
}
