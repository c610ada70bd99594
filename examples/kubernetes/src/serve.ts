// What the container runs. It ends by SIGTERM.
import { openSecrets } from './secrets.ts'
import { startService } from './service.ts'

const secrets = openSecrets(process.env)
const { port, stop } = await startService(secrets, Number(process.env['PORT'] ?? 8080))
console.log(`listening on port ${port}`)
process.once('SIGTERM', () => void stop().catch(() => (process.exitCode = 1)))
