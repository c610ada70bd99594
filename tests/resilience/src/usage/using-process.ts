import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyvCache } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { registerUse, useSecret } from '@finchat/secrets-core/live'
import { connect } from '../fleet/connection.ts'
import { givenOrders } from '../harness/child.ts'
import { name, type Orders } from './orders.ts'
import { versionsStore } from './versions-file.ts'

/*
 * One process of a fleet. It prints `ready` when it has registered what it uses. A pinned one takes
 * the current value at each line `take`, and prints `taken`; others log in all the time. It closes
 * its manager and ends with its input.
 */
const orders = givenOrders() as Orders // as the parent process gives them

async function live(): Promise<void> {
  const { store, clients, close } = await connect('redis', orders.url, true)
  const shared = keyvCache({ store, encryptionKey: orders.encryptionKey, timeoutMs: 1_000, ...(clients && { client: clients.client }) })
  const secrets = createSecretsManager({ providers: [versionsStore(orders.file)], cache: { shared, ttlSeconds: 2, recheckSeconds: 0.5 } })
  await (orders.isPinned ? livePinned(secrets) : liveFollowing(secrets))
  await secrets.close()
  await close()
}

async function livePinned(secrets: SecretsManager): Promise<void> {
  const use = registerUse(secrets, name, { actor: orders.actor })
  const take = async (): Promise<void> => {
    const value = await secrets.getSecretValue(name, { fresh: true })
    await use.uses(value).catch(take) // on a busy machine the cache may not answer in time
  }
  await take()
  say('ready')
  for await (const _ of createInterface(process.stdin)) {
    await take()
    say('taken')
  }
}

async function liveFollowing(secrets: SecretsManager): Promise<void> {
  process.stdin.resume()
  const login = (): Promise<unknown> =>
    useSecret(secrets, name, (value) => value.version, { isAuthError: () => false, usageMarks: true, actor: orders.actor })
  await login()
  say('ready')
  for (; !process.stdin.readableEnded; await sleep(400)) await login()
}

function say(what: string): void {
  process.stdout.write(`${what}\n`)
}

void live()
