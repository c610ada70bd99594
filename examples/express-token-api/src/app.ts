// To copy: an Express application with probes, and routes behind a token.
import type { SecretsManager } from '@finchat/secrets-core'
import express, { type Express } from 'express'
import { bearerToken } from './bearer-token.ts'
import { readiness } from './readiness.ts'

export const tokenName = 'API_TOKEN'

/** Routes that are added later need the token, too. */
export function createApp(secrets: SecretsManager): Express {
  const app = express().disable('x-powered-by')
  const ready = readiness(secrets, [tokenName])
  app.get('/livez', (_request, response) => void response.json({ ok: true }))
  app.get('/readyz', async (_request, response) => {
    const counts = await ready()
    response.status(counts.ok ? 200 : 503).json(counts)
  })
  app.use(bearerToken(secrets, tokenName, async () => (await ready()).ok))
  app.get('/orders', (_request, response) => void response.json([{ id: 1, total: '12.50' }]))
  void ready() // so that the log names a missing secret at the start
  return app
}
