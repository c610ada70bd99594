import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { generateKey } from './key.ts'
import { keyvCache } from './keyv-cache.ts'
import type { RedisClient, RedisSubscriber } from './redis-client.ts'

const nothing = async (): Promise<unknown> => undefined
const connection = (): EventEmitter & RedisClient & RedisSubscriber =>
  Object.assign(new EventEmitter(), {
    set: nothing,
    get: nothing,
    del: nothing,
    publish: nothing,
    subscribe: nothing,
    unsubscribe: nothing,
  })
const store = { get: nothing, set: nothing, delete: nothing }
const loss = new Error('the connection is lost')

test('a client and a subscriber to whom nobody listens do not end the process when a connection is lost', () => {
  const [client, subscriber] = [connection(), connection()]
  expect(() => client.emit('error', loss)).toThrow(loss)
  keyvCache({ store, encryptionKey: generateKey(), client, subscriber })
  expect(() => client.emit('error', loss)).not.toThrow()
  expect(() => subscriber.emit('error', loss)).not.toThrow()
})

test('where the user listens, or another cache, nothing is added', () => {
  const [client, other] = [connection(), connection()]
  const heard: unknown[] = []
  client.on('error', (error) => heard.push(error))
  for (let caches = 0; caches < 3; caches += 1) {
    keyvCache({ store, encryptionKey: generateKey(), client })
    keyvCache({ store, encryptionKey: generateKey(), client: other })
  }
  client.emit('error', loss)
  expect(heard).toEqual([loss])
  expect([client.listenerCount('error'), other.listenerCount('error')]).toEqual([1, 1])
})
