import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import type { CanActivate, ExecutionContext, INestApplication, OnApplicationShutdown } from '@nestjs/common'
import { HttpException } from '@nestjs/common'

type StatusOf = (authorization?: string) => Promise<number>

/** As `{ provide: APP_GUARD, useValue: new Guard(secrets, statusOf) }`. Nest ends it after its server. */
export class Guard implements CanActivate, OnApplicationShutdown {
  readonly #secrets: SecretsManager
  readonly #statusOf: StatusOf
  constructor(secrets: SecretsManager, statusOf: StatusOf) {
    this.#secrets = secrets
    this.#statusOf = statusOf
  }
  async canActivate(context: ExecutionContext): Promise<true> {
    const { headers } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>()
    const status = await this.#statusOf(headers.authorization)
    if (status === 200) return true
    throw new HttpException(status === 401 ? 'Unauthorized' : 'Service Unavailable', status)
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
