// To copy: a dynamic module with one secrets manager for the whole application.
import type { SecretsManager } from '@finchat/secrets-core'
import { type DynamicModule, type FactoryProvider, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'

const SECRETS = Symbol('the secrets manager')

/** `constructor(@InjectSecrets() private readonly secrets: SecretsManager) {}` */
export const InjectSecrets = (): ParameterDecorator => Inject(SECRETS)

@Module({})
export class SecretsModule implements OnApplicationShutdown {
  readonly #secrets: SecretsManager

  constructor(@InjectSecrets() secrets: SecretsManager) {
    this.#secrets = secrets
  }

  /** With a manager that you have, such as one of a test. */
  static forRoot(secrets: SecretsManager): DynamicModule {
    return SecretsModule.forRootAsync({ useFactory: () => secrets })
  }

  /** With a manager that is made of what is injected, such as `ConfigService`. */
  static forRootAsync(options: Pick<FactoryProvider<SecretsManager>, 'inject' | 'useFactory'>): DynamicModule {
    return { module: SecretsModule, global: true, providers: [{ provide: SECRETS, ...options }], exports: [SECRETS] }
  }

  /** A provider of typed settings. Nest waits for it, and does not start without it. */
  static settings<Settings>(token: symbol, load: (secrets: SecretsManager) => Promise<Settings>): FactoryProvider<Settings> {
    return { provide: token, inject: [SECRETS], useFactory: load }
  }

  /** Nest calls it after its server has answered the last request. */
  async onApplicationShutdown(): Promise<void> {
    await this.#secrets.close()
  }
}
