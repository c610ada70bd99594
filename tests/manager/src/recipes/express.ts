import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import express, { type Express } from 'express'

type StatusOf = (authorization?: string) => Promise<number>

/** An application whose routes, added later, need the token. The probes do not. */
export function expressApp(secrets: SecretsManager, needed: readonly string[], statusOf: StatusOf): Express {
  const app = express()
  app.get('/livez', (_request, response) => void response.json({ ok: true }))
  app.get('/readyz', async (_request, response) => {
    const { secrets: _, ...counts } = await canServe(secrets, needed)
    response.status(counts.ok ? 200 : 503).json(counts)
  })
  app.use(async ({ headers: { authorization } }, response, next) => {
    const status = await statusOf(authorization)
    if (status === 200) next()
    else response.sendStatus(status)
  })
  return app
}
