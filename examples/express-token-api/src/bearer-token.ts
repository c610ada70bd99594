// To copy: lets requests in that present the current token, or the former one for a while.
import { SecretsError, type SecretsManager } from '@finchat/secrets-core'
import type { RequestHandler } from 'express'

/** How long clients may use the former token after a rotation. */
const graceSeconds = 600

/** `isServed`: whether the token can be read. Without its secret every token would be wrong. */
export function bearerToken(secrets: SecretsManager, name: string, isServed: () => Promise<boolean>): RequestHandler {
  /** Undefined: no store can tell. The token may be right, so this is no 401. */
  const verify = async (token: string): Promise<boolean | undefined> => {
    const isRight = await secrets.verifySecret(name, token, { acceptPreviousForSeconds: graceSeconds }).catch(logged)
    return isRight === false && !(await isServed()) ? undefined : isRight
  }
  return async ({ headers: { authorization = '' } }, response, next) => {
    const token = authorization.startsWith('Bearer ') ? authorization.slice(7) : ''
    const isRight = token !== '' && (await verify(token))
    if (isRight === true) next()
    else if (isRight === false) response.set('www-authenticate', 'Bearer').sendStatus(401)
    else response.set('retry-after', '5').sendStatus(503)
  }
}

function logged(error: unknown): undefined {
  // The message of a `SecretsError` has the secret's name and a code, and no value.
  console.error(SecretsError.isInstance(error) ? error.message : 'the token could not be verified')
}
