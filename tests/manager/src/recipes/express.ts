import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import express, { type Express } from 'express'

/** An application whose routes, added later, need the token. The probes do not. */
export function expressApp(secrets: SecretsManager, needed: readonly string[]): Express {
  const app = express()
  app.get('/livez', (_request, response) => void response.json({ ok: true }))
  app.get('/readyz', async (_request, response) => {
    const { secrets: _, ...counts } = await canServe(secrets, needed)
    response.status(counts.ok ? 200 : 503).json(counts)
  })
  app.use(async ({ headers: { authorization = '' } }, response, next) => {
    const token = authorization.startsWith('Bearer ') ? authorization.slice(7) : ''
    // Undefined: no store can tell, so the token may be right.
    const isRight = token !== '' && (await secrets.verifySecret('FINCHAT_TOKEN', token).catch(() => undefined))
    if (isRight === true) next()
    else response.sendStatus(isRight === false ? 401 : 503)
  })
  return app
}
