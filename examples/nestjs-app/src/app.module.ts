// To copy: ConfigModule has plain settings, SecretsModule has the secrets.
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { localFromEnv } from '@finchat/secrets-provider-local'
import { Module } from '@nestjs/common'
import { ConfigModule, ConfigService } from '@nestjs/config'
import { OrdersController } from './orders.controller.js'
import { ProbesController } from './probes.controller.js'
import { SecretsModule } from './secrets.module.js'
import { loadSettings, SETTINGS } from './settings.js'

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretsModule.forRootAsync({
      inject: [ConfigService],
      useFactory: (config: ConfigService) => {
        const maxStaleSeconds = Number(config.get('MAX_STALE_SECONDS', '3600'))
        return secretsManagerFromEnv({ local: localFromEnv }, { cache: { maxStaleSeconds } })
      },
    }),
  ],
  controllers: [ProbesController, OrdersController],
  providers: [SecretsModule.settings(SETTINGS, loadSettings)],
})
export class AppModule {}
