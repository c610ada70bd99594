// To copy: a bearer token. A wrong one is 401; one that cannot be checked is 503.
import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common'
import { InjectSecrets } from './secrets.module.js'

@Injectable()
export class TokenGuard implements CanActivate, OnApplicationBootstrap {
  readonly #secrets: SecretsManager
  readonly #log = new Logger(TokenGuard.name)
  #isLogged = false

  constructor(@InjectSecrets() secrets: SecretsManager) {
    this.#secrets = secrets
  }

  async canActivate(context: ExecutionContext): Promise<true> {
    const { authorization = '' } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>().headers
    const token = authorization.startsWith('Bearer ') ? authorization.slice(7) : ''
    const isRight = token !== '' && (await this.#verify(token))
    if (isRight === true) return true
    throw isRight === false ? new UnauthorizedException() : new ServiceUnavailableException()
  }

  /** The log names a missing secret at the start. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#isServed()
  }

  /** Undefined: no store can tell, or the secret is missing, so that every token would be wrong. */
  async #verify(token: string): Promise<boolean | undefined> {
    const isRight = await this.#secrets.verifySecret('API_TOKEN', token, { acceptPreviousForSeconds: 600 }).catch(() => undefined)
    return isRight !== true && !(await this.#isServed()) ? undefined : isRight
  }

  /** Why not is logged once. */
  async #isServed(): Promise<boolean> {
    const { ok, secrets } = await canServe(this.#secrets, ['API_TOKEN'])
    for (const state of Object.values(secrets)) if (state.status === 'failed' && !this.#isLogged) this.#log.error(state.message)
    this.#isLogged = !ok
    return ok
  }
}
