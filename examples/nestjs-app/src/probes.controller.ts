// To copy: liveness asks for no secret; readiness asks whether the needed ones can be served now.
import type { SecretsManager } from '@finchat/secrets-core'
import { canServe } from '@finchat/secrets-core/live'
import { Controller, Get, ServiceUnavailableException } from '@nestjs/common'
import { InjectSecrets } from './secrets.module.js'

@Controller()
export class ProbesController {
  readonly #secrets: SecretsManager

  constructor(@InjectSecrets() secrets: SecretsManager) {
    this.#secrets = secrets
  }

  @Get('livez')
  live(): object {
    return { ok: true }
  }

  @Get('readyz')
  async ready(): Promise<object> {
    const { secrets: _, ...counts } = await canServe(this.#secrets, ['API_TOKEN'])
    if (counts.ok) return counts
    throw new ServiceUnavailableException(counts)
  }
}
