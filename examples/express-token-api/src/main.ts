// `npm start`: the token is rotated while clients call; then the store is lost; then the service ends.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { faults, faultyProvider } from '@finchat/secrets-testkit'
import { createApp, tokenName } from './app.ts'
import { startClients } from './clients.ts'
import { type Service, startService } from './service.ts'

const folder = mkdtempSync(join(tmpdir(), 'finchat-express-'))
const store = { path: join(folder, 'secrets.db'), key: generateKey() }
const newToken = (): string => randomBytes(32).toString('base64url')
let token = newToken()
let isDown = false

/** Each service and the rotator have a manager of their own, as processes would. */
function openSecrets(): SecretsManager {
  return createSecretsManager({
    providers: [faultyProvider(localProvider(store), () => (isDown ? faults.reject('UNAVAILABLE') : undefined))],
  })
}

async function start(): Promise<Service> {
  const secrets = openSecrets()
  const app = createApp(secrets)
  app.get('/report', (_request, response) => void setTimeout(() => response.json({ ok: true }), 300))
  return startService(app, secrets, 0)
}

const words: Readonly<Record<number, string>> = { 200: 'answered', 401: 'refused', 503: 'unavailable' }

async function show(what: string, { url }: Service, path: string, presented?: string): Promise<void> {
  const headers = { connection: 'close', ...(presented && { authorization: `Bearer ${presented}` }) }
  const result = await fetch(`${url}${path}`, { headers }).then(
    ({ status }) => `${status} ${words[status]}`,
    () => 'no connection',
  )
  console.log(`   ${what.padEnd(34)} ${result}`)
}

async function rotateWhileServing(service: Service, rotator: SecretsManager): Promise<void> {
  console.log('1  Rotate the token three times, while four clients call')
  const clients = startClients(service.url, token)
  const { counts } = clients
  for (let n = 1; n <= 3; n += 1) {
    token = newToken()
    await rotator.rotateSecret(tokenName, token)
    await clients.learn(token)
    console.log(`   rotation ${n}                         ${counts.requests} requests, ${counts.refused} refused`)
  }
  await clients.stop()
  if (counts.refused > 0) process.exitCode = 1
}

async function loseTheStore(service: Service): Promise<void> {
  console.log('\n2  A wrong token is 401; a token that cannot be checked is 503')
  await show('the current token', service, '/orders', token)
  await show('a wrong token', service, '/orders', 'guess')
  await show('no token', service, '/orders')
  isDown = true
  await show('store down, from memory: token', service, '/orders', token)
  await show('store down, from memory: /readyz', service, '/readyz')
  const { error } = console
  console.error = () => {} // shown by its status
  const another = await start()
  await show('started meanwhile: token', another, '/orders', token)
  await show('started meanwhile: /readyz', another, '/readyz')
  await show('started meanwhile: /livez', another, '/livez')
  console.error = error
  await another.stop()
}

async function end(service: Service): Promise<void> {
  console.log('\n3  End: requests under way are answered')
  const underWay = show('a request under way', service, '/report', token)
  setTimeout(() => void service.stop(), 100)
  await underWay
  await show('the next one', service, '/orders', token)
}

const rotator = openSecrets()
process.removeAllListeners('warning') // the outage is shown by its answers
try {
  await rotator.storeSecret(tokenName, token)
  const service = await start()
  await rotateWhileServing(service, rotator)
  await loseTheStore(service)
  await end(service)
} finally {
  await rotator.close()
  rmSync(folder, { recursive: true })
}
