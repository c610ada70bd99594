// To copy: a bearer token. A wrong one is 401; one that no store can check is 503.
import type { SecretsManager } from '@finchat/secrets-core'
import { type CanActivate, type ExecutionContext, Injectable, ServiceUnavailableException, UnauthorizedException } from '@nestjs/common'
import { InjectSecrets } from './secrets.module.js'

@Injectable()
export class TokenGuard implements CanActivate {
  readonly #secrets: SecretsManager

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

  /** Undefined: no store can tell. */
  #verify(token: string): Promise<boolean | undefined> {
    return this.#secrets.verifySecret('API_TOKEN', token, { acceptPreviousForSeconds: 600 }).catch(() => undefined)
  }
}
