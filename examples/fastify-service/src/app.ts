// To copy: the application, which a test can build and ask by `inject`.
import type { SecretsManager } from '@finchat/secrets-core'
import { fastify, type FastifyInstance } from 'fastify'
import probesPlugin from './probes-plugin.ts'
import secretsPlugin from './secrets-plugin.ts'

export async function buildApp(manager: SecretsManager): Promise<FastifyInstance> {
  const app = fastify()
  await app.register(secretsPlugin, { manager })
  await app.register(probesPlugin)
  app.get('/database', async () => {
    const { host, port } = app.settings.database
    return { host, port }
  })
  return app
}
