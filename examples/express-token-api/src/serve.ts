// `npm run serve`: the service for real. Variables say where its secrets are.
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { localFromEnv } from '@finchat/secrets-provider-local'
import { createApp } from './app.ts'
import { startService } from './service.ts'

const secrets = secretsManagerFromEnv({ local: localFromEnv })
const { url, stop } = await startService(createApp(secrets), secrets, Number(process.env['PORT'] ?? 8080))
console.log(`listening on ${url}`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop().catch(() => (process.exitCode = 1)))
