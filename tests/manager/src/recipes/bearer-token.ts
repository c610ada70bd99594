import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'

/** 401 for a wrong token. 503 while its secret is missing or no store can tell, which is logged once. */
export function tokenStatus(secrets: SecretsManager, name: string): (authorization?: string) => Promise<200 | 401 | 503> {
  let isLogged = false
  const canVerify = async (): Promise<boolean> => {
    const { ok, secrets: states } = await canServe(secrets, [name])
    for (const state of Object.values(states)) if (state.status === 'failed' && !isLogged) console.error(state.message)
    isLogged = !ok
    return ok
  }
  return async (authorization = '') => {
    const token = authorization.startsWith('Bearer ') ? authorization.slice(7) : ''
    if (token === '') return 401
    const isRight = await secrets.verifySecret(name, token).catch(() => undefined)
    if (isRight === true) return 200
    return (await canVerify()) && isRight === false ? 401 : 503
  }
}
