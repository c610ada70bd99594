import { createInterface } from 'node:readline'
import { keyvCache } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { givenOrders } from '../child.ts'
import { connect } from './connection.ts'
import { countingProvider } from './counting-store.ts'
import { type Orders, type Report, valueOf } from './orders.ts'

/*
 * One process of a fleet. It says `ready`, waits for a line, reads every secret at once, says what it got, and ends with its input. It has nothing in memory and
 * is one of many on two processors: its patience with the cache server is longer than the default, which is meant for a machine of its own.
 */
const orders = givenOrders() as Orders // as the drill gives them
const timeoutMs = 60_000

async function live(): Promise<void> {
  const { store, clients, close } = await connect(orders.kind, orders.url, orders.hasClient)
  const shared = keyvCache({
    store,
    encryptionKey: orders.encryptionKey,
    timeoutMs,
    waitMs: 5 * timeoutMs,
    ...(clients && { client: clients.client }),
  })
  const secrets = createSecretsManager({ providers: [countingProvider(orders.storePort)], cache: { shared }, deadlineMs: 10 * timeoutMs })
  await secrets.checkHealth() // loads the rest of the library
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
  say('ready')
  await lines.next()
  say(await readAll(secrets))
  await lines.next() // a process of a fleet does not end when it has started
  await secrets.close()
  await close()
}

async function readAll(secrets: SecretsManager): Promise<Report> {
  const results = await Promise.allSettled(orders.names.map((name) => secrets.getSecret(name)))
  const failed = results.filter(({ status }) => status === 'rejected').length
  const right = results.filter(
    (result, index) => result.status === 'fulfilled' && result.value === valueOf(orders.names[index] ?? ''),
  ).length
  return { failed, wrong: results.length - failed - right }
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

void live()
