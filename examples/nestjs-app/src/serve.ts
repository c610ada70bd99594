// `npm run serve`: the application for real. Variables say where its secrets are.
import 'reflect-metadata'
import { ConfigService } from '@nestjs/config'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

const app = await NestFactory.create(AppModule)
app.enableShutdownHooks() // SIGTERM: the last answers, then SecretsModule closes the manager
await app.listen(app.get(ConfigService).get('PORT', '8080'))
