// To copy: liveness asks for no secret; readiness asks whether the needed ones can be served now.
import { canServe } from '@finchat/secrets-core/live'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { specs } from './settings.ts'

const needed = [specs.database.name, specs.partnerUrl.name]

async function probesPlugin(app: FastifyInstance): Promise<void> {
  app.get('/livez', async () => ({ ok: true }))
  app.get('/readyz', async (_request, reply) => {
    const { secrets: _, ...counts } = await canServe(app.secrets, needed)
    return reply.code(counts.ok ? 200 : 503).send(counts)
  })
  // For people and alerts, not for a probe: it fails while memory or another provider still answers.
  app.get('/healthz', async (_request, reply) => {
    const { ok, providers } = await app.secrets.checkHealth()
    const status = Object.entries(providers).map(([name, health]) => [name, 'code' in health ? health.code : health.status])
    return reply.code(ok ? 200 : 503).send(Object.fromEntries(status))
  })
}

export default fastifyPlugin(probesPlugin, { name: 'probes', fastify: '5.x', dependencies: ['secrets'] })
