import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import type { CanActivate, ExecutionContext, INestApplication, OnApplicationShutdown } from '@nestjs/common'
import { ServiceUnavailableException, UnauthorizedException } from '@nestjs/common'

/** As `{ provide: APP_GUARD, useValue: new Guard(secrets) }`. Nest ends it after its server. */
export class Guard implements CanActivate, OnApplicationShutdown {
  readonly #secrets: SecretsManager
  constructor(secrets: SecretsManager) {
    this.#secrets = secrets
  }
  async canActivate(context: ExecutionContext): Promise<true> {
    const { authorization = '' } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>().headers
    const token = authorization.startsWith('Bearer ') ? authorization.slice(7) : ''
    const isRight = token !== '' && (await this.#secrets.verifySecret('FINCHAT_TOKEN', token).catch(() => undefined))
    if (isRight === true) return true
    throw isRight === false ? new UnauthorizedException() : new ServiceUnavailableException()
  }
  readonly onApplicationShutdown = (): Promise<void> => this.#secrets.close()
}

export function addProbes(app: INestApplication, secrets: SecretsManager, needed: readonly string[]): void {
  app.enableShutdownHooks() // SIGTERM
  const http = app.getHttpAdapter()
  http.get('/livez', (_request, response) => http.reply(response, { ok: true }, 200))
  http.get('/readyz', async (_request, response) => {
    const { secrets: _, ...counts } = await canServe(secrets, needed)
    http.reply(response, counts, counts.ok ? 200 : 503)
  })
}
