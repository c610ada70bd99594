// To copy: a plugin with the manager and the typed settings. The application does not start without them.
import { loadSecrets, type SecretsManager } from '@finchat/secrets-core'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Settings, specs } from './settings.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** For secrets that may be rotated: read or verify them at each use. */
    readonly secrets: SecretsManager
    /** As they were at the start. */
    readonly settings: Settings
  }
}

async function secretsPlugin(app: FastifyInstance, { manager }: { readonly manager: SecretsManager }): Promise<void> {
  app.addHook('onClose', () => manager.close()) // after the last answer
  app.decorate('secrets', manager)
  app.decorate('settings', await loadSecrets(manager, specs))
}

export default fastifyPlugin(secretsPlugin, { name: 'secrets', fastify: '5.x' })
