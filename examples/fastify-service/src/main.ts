// `npm start`: a start that is refused, a start that is not, and an outage of the store.
import { createSecretsManager, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { faults, faultyProvider } from '@finchat/secrets-testkit'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'

let isDown = false
const database = { host: 'db.internal', port: 5432, password: 'correct-horse' }

async function openSecrets(values: Readonly<Record<string, string>>): Promise<SecretsManager> {
  const store = localProvider({ path: ':memory:', key: generateKey() })
  const secrets = createSecretsManager({ providers: [faultyProvider(store, () => (isDown ? faults.reject('UNAVAILABLE') : undefined))] })
  for (const [name, value] of Object.entries(values)) await secrets.storeSecret(name, value)
  return secrets
}

async function refuseToStart(): Promise<void> {
  console.log('1  A start with wrong secrets: one error names them all, and no value')
  const secrets = await openSecrets({ DATABASE: JSON.stringify({ ...database, port: '5432' }), LOG_LEVEL: 'loud' })
  try {
    await buildApp(secrets)
    process.exitCode = 1
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    console.log(`   ${error.code}\n   ${error.message.replaceAll('\n', '\n   ')}`)
  } finally {
    await secrets.close()
  }
}

async function show(app: FastifyInstance, path: string): Promise<void> {
  const { statusCode, body } = await app.inject(path)
  const shown = body.replaceAll(/"(servesUntil|checkedAt)":[\d.]+,?/g, '').replaceAll(',}', '}')
  console.log(`   ${path.padEnd(12)} ${statusCode === 200 ? 'ok     ' : 'failed '} ${shown}`)
}

console.log('A service that starts only with the secrets that it needs.\n')
process.removeAllListeners('warning') // the outage is shown by its answers
await refuseToStart()

console.log('\n2  A start with the right ones')
const app = await buildApp(await openSecrets({ DATABASE: JSON.stringify(database), PARTNER_URL: 'https://partner.example/v1' }))
console.log(`   LOG_LEVEL is not stored: ${app.settings.logLevel} by default`)
for (const path of ['/livez', '/readyz', '/database']) await show(app, path)

console.log('\n3  The store is down: still ready, from memory, but not healthy')
isDown = true
for (const path of ['/livez', '/readyz', '/healthz']) await show(app, path)
await app.close()
