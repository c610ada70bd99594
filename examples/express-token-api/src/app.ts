// To copy: an Express application with probes, and routes behind a token.
import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import express, { type Express } from 'express'
import { bearerToken } from './bearer-token.ts'

export const tokenName = 'API_TOKEN'

/** Routes that are added later need the token, too. */
export function createApp(secrets: SecretsManager): Express {
  const app = express().disable('x-powered-by')
  app.get('/livez', (_request, response) => void response.json({ ok: true }))
  app.get('/readyz', async (_request, response) => {
    const { secrets: _, ...counts } = await canServe(secrets, [tokenName])
    response.status(counts.ok ? 200 : 503).json(counts)
  })
  app.use(bearerToken(secrets, tokenName))
  app.get('/orders', (_request, response) => void response.json([{ id: 1, total: '12.50' }]))
  return app
}
