import { createInterface } from 'node:readline'
import { keyvCache } from '@finchat/secrets-cache-keyv'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { givenOrders } from '../harness/child.ts'
import { connect } from './connection.ts'
import { countingProvider } from './counting-store.ts'
import { type Orders, type Report, valueOf } from './orders.ts'

/*
 * One process of a fleet, with default options. It prints `ready`, waits for a line, reads every
 * secret at once, prints its report, and ends with its input.
 */
const orders = givenOrders() as Orders // as the parent process gives them

async function live(): Promise<void> {
  const { store, clients, close } = await connect(orders.kind, orders.url, orders.hasClient)
  const shared = keyvCache({ store, encryptionKey: orders.encryptionKey, ...(clients && { client: clients.client }) })
  const secrets = createSecretsManager({ providers: [countingProvider(orders.storePort)], cache: { shared } })
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
  say('ready')
  await lines.next()
  say(await readAll(secrets))
  await lines.next() // a process of a fleet does not end when it has started
  await secrets.close()
  await close()
}

async function readAll(secrets: SecretsManager): Promise<Report> {
  const results = orders.byBatch
    ? await readTogether(secrets)
    : await Promise.allSettled(orders.names.map((name) => secrets.getSecret(name)))
  const failed = results.filter(({ status }) => status === 'rejected').length
  const right = results.filter(
    (result, index) => result.status === 'fulfilled' && result.value === valueOf(orders.names[index] ?? ''),
  ).length
  return { failed, wrong: results.length - failed - right }
}

async function readTogether(secrets: SecretsManager): Promise<PromiseSettledResult<string>[]> {
  const results = await secrets.getSecretValues(orders.names.map((name) => ({ name })))
  return Promise.allSettled(
    results.map(async (result) => (result.status === 'fulfilled' ? result.value.reveal() : Promise.reject(result.reason))),
  )
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

void live()
