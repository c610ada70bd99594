import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { generateKey } from '@finchat/secrets-core/sealing'
import { keyvCache } from '../keyv-cache.ts'
import { type RedisClient, type RedisSubscriber, setIfAbsent, subscribe } from './redis-client.ts'

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

test('a lost connection does not end the process, even if client and subscriber have no error listener', () => {
  const [client, subscriber] = [connection(), connection()]
  expect(() => client.emit('error', loss)).toThrow(loss)
  keyvCache({ store, encryptionKey: generateKey(), client, subscriber })
  expect(() => client.emit('error', loss)).not.toThrow()
  expect(() => subscriber.emit('error', loss)).not.toThrow()
})

test('no error listener is added where the user or another cache has one', () => {
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

test.each(['node-redis', 'ioredis'])('a client like %s gets a TTL in whole milliseconds', async (family) => {
  const sent: unknown[] = []
  const client = { ...connection(), set: async (...given: unknown[]) => sent.push(...given) }
  await setIfAbsent(family === 'ioredis' ? Object.assign(client, { call: () => {} }) : client, 'key', 'text', 12.5)
  expect(sent).toEqual(family === 'ioredis' ? ['key', 'text', 'PX', 13, 'NX'] : ['key', 'text', { PX: 13, NX: true }])
})

test.each(['node-redis', 'ioredis'])('unsubscribing keeps the subscription of other caches on the same connection of %s', (family) => {
  const ended: unknown[][] = []
  const subscriber = Object.assign(connection(), { unsubscribe: async (...given: unknown[]) => ended.push(given) })
  if (family === 'ioredis') Object.assign(subscriber, { call: () => {} })
  const calls = { onMessage: () => {}, onFailure: () => {} }
  const [one, other] = [subscribe(subscriber, 'channel', calls), subscribe(subscriber, 'channel', calls)]
  void one()
  // node-redis keeps a subscription for each listener; ioredis one for the connection.
  expect(ended).toEqual(family === 'ioredis' ? [] : [['channel', expect.any(Function)]])
  void other()
  expect(ended).toHaveLength(family === 'ioredis' ? 1 : 2)
})
