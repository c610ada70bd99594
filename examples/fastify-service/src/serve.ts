// `npm run serve`: the service for real. Variables say where its secrets are.
import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { localFromEnv } from '@finchat/secrets-provider-local'
import { buildApp } from './app.ts'

const app = await buildApp(secretsManagerFromEnv({ local: localFromEnv }))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close().catch(() => (process.exitCode = 1)))
console.log(`listening on ${await app.listen({ port: Number(process.env['PORT'] ?? 8080) })}`)
