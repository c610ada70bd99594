import { tokenGenerator } from '@finchat/secrets-rotation'
import type { RedisServer } from '@finchat/secrets-test-servers'
import { rotatedName, type RotatedStore, rotatedStore } from './rotated-store.ts'

const generate = tokenGenerator()
let count = 0

export interface RotatedRedis extends RotatedStore {
  readonly user: string
  /** Sets the one password that the server accepts, and then stores it. */
  readonly rotate: () => Promise<void>
  /** Ends the connections of the user, so that clients log in again. */
  readonly disconnect: () => Promise<unknown>
}

export async function rotatedRedis(server: RedisServer): Promise<RotatedRedis> {
  const user = `app-${(count += 1)}`
  const set = (password: string): Promise<unknown> =>
    server.command('ACL', 'SETUSER', user, 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all')
  const first = generate()
  await set(first)
  const store = await rotatedStore(first)
  const rotate = async (): Promise<void> => {
    const next = generate()
    await set(next)
    await store.rotator.rotateSecret(rotatedName, next)
  }
  return { ...store, user, rotate, disconnect: () => server.command('CLIENT', 'KILL', 'USER', user) }
}
