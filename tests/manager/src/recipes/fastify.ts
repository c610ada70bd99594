import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import { fastify, type FastifyInstance } from 'fastify'

interface Guarded {
  readonly statusOf: (authorization?: string) => Promise<number>
  readonly routes: (app: FastifyInstance) => void
}

/** It stops accepting, lets the requests under way end, then closes the manager. */
export function fastifyApp(secrets: SecretsManager, needed: readonly string[], { statusOf, routes }: Guarded): FastifyInstance {
  const app = fastify()
  app.get('/livez', async () => ({ ok: true }))
  app.get('/readyz', async (_request, reply) => {
    const { secrets: _, ...counts } = await canServe(secrets, needed)
    return reply.code(counts.ok ? 200 : 503).send(counts)
  })
  app.register(async (guarded) => {
    guarded.addHook('onRequest', async ({ headers: { authorization } }, reply) => {
      const status = await statusOf(authorization)
      if (status !== 200) await reply.code(status).send()
    })
    routes(guarded)
  })
  app.addHook('onClose', () => secrets.close())
  process.once('SIGTERM', () => void app.close())
  return app
}
