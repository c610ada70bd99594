// `npm start`: the application over an encrypted store in a folder that is removed, and a rotation.
import 'reflect-metadata'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecretsManager, SecretsError } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { ConfigService } from '@nestjs/config'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

const folder = mkdtempSync(join(tmpdir(), 'finchat-nest-'))
const store = { path: join(folder, 'secrets.db'), key: generateKey() }
Object.assign(process.env, {
  MAX_STALE_SECONDS: '900',
  FINCHAT_SECRETS_PROVIDER: 'local',
  FINCHAT_LOCAL_PATH: store.path,
  FINCHAT_ENCRYPTION_KEY: store.key,
})
// Another process, which rotates.
const rotator = createSecretsManager({ providers: [localProvider(store)] })
const print = (what: string, result: string): void => console.log(`   ${what.padEnd(32)} ${result}`)

async function startWithout(): Promise<void> {
  console.log('1  Without its secrets the application does not start')
  try {
    await NestFactory.create(AppModule, { logger: false, abortOnError: false })
    process.exitCode = 1
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    print(error.code, error.message.split(':\n')[0] ?? '')
  }
}

async function play(): Promise<void> {
  console.log('\n2  ConfigModule has plain settings, SecretsModule has secrets')
  await rotator.storeSecret('DATABASE', { host: 'db.internal', user: 'orders', password: 'correct-horse' })
  await rotator.storeSecret('API_TOKEN', 'the-first-token')
  const app = await NestFactory.create(AppModule, { logger: false })
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  const config = app.get(ConfigService)
  print('ConfigService, MAX_STALE_SECONDS', config.get('MAX_STALE_SECONDS', 'not there'))
  print('ConfigService, API_TOKEN', config.get('API_TOKEN', 'not there'))
  const ask = async (what: string, path: string, token?: string): Promise<void> => {
    const { status } = await fetch(url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
    print(what, status === 200 ? '200 answered' : `${status} ${status === 401 ? 'refused' : 'unavailable'}`)
  }
  await ask('/orders, with the token', '/orders', 'the-first-token')
  await ask('/readyz', '/readyz')

  console.log('\n3  Another process rotates the token')
  await rotator.rotateSecret('API_TOKEN', 'the-second-token')
  await ask('/orders, with the new token', '/orders', 'the-second-token')
  await ask('/orders, with the former one', '/orders', 'the-first-token')
  await ask('/orders, with a guess', '/orders', 'guess')
  await app.close()
}

try {
  await startWithout()
  await play()
} finally {
  await rotator.close()
  rmSync(folder, { recursive: true })
}
