// One process of a real fleet: reads its secrets until its parent tells it to end.
import { Agent, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { keyvCache, type KeyvCacheOptions } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager } from '@finchat/secrets-core'
import { createClient } from '@redis/client'
import { cacheTimes, short } from './short-timeline.ts'

export interface ChildOptions {
  readonly storePort: number
  readonly cacheUrl: string | undefined
  readonly encryptionKey: string
  readonly secrets: number
}

export interface ChildResult {
  readonly failedReads: number
  /** Reads of the shared cache that could not be made in time. */
  readonly unavailable: number
}

const agent = new Agent({ keepAlive: true })

function provider(port: number): SecretProvider {
  const ask = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = get({ host: '127.0.0.1', port, path: `/${path}`, agent }, (answer) => {
        if (answer.statusCode === 200) text(answer).then(resolve, reject)
        else reject(new Error('the store is down'))
      })
      request.on('error', reject)
    })
  return {
    specificationVersion: 'v1',
    name: 'store',
    sharedAs: 'store',
    get: async (path) => {
      try {
        return { value: await ask(path), version: 1 }
      } catch {
        throw new SecretsError('UNAVAILABLE', 'the store is down')
      }
    },
  }
}

async function sharedCache(url: string, encryptionKey: string): Promise<KeyvCacheOptions> {
  const client = await createClient({ url }).connect()
  const store = {
    get: async (key: string) => (await client.get(key)) ?? undefined,
    getMany: async (keys: string[]) => (await client.mGet(keys)).map((each) => each ?? undefined),
    set: async (key: string, value: string, ttl = 1) => (await client.set(key, value, { PX: ttl })) === 'OK',
    delete: async (key: string) => (await client.del(key)) === 1,
  }
  return { store, client, encryptionKey, ...cacheTimes }
}

let failedReads = 0

function readOn(manager: SecretsManager, name: string): void {
  manager.getSecret(name).catch(() => (failedReads += 1))
  setTimeout(() => readOn(manager, name), short.readEvery * 1000)
}

async function main({ storePort, cacheUrl, encryptionKey, secrets }: ChildOptions): Promise<void> {
  const shared = cacheUrl === undefined ? undefined : keyvCache(await sharedCache(cacheUrl, encryptionKey))
  const cache = { ttlSeconds: short.ttlSeconds, ...(shared && { shared }) }
  const manager = createSecretsManager({ providers: [provider(storePort)], cache })
  process.on('message', (message) => {
    if (message === 'end')
      process.send?.({ failedReads, unavailable: shared?.stats().unavailable ?? 0 } satisfies ChildResult, () => process.exit())
    else
      for (let n = 0; n < secrets; n += 1) {
        manager.getSecret(`secret/${n}`).catch(() => (failedReads += 1))
        setTimeout(() => readOn(manager, `secret/${n}`), Math.random() * short.readEvery * 1000)
      }
  })
  process.send?.('ready')
}

// A fleet reads before it has warmed up: so does this one.
void main(JSON.parse(process.argv[2] ?? '') as ChildOptions) // of our parent
