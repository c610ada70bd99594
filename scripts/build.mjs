// `pnpm build`: turbo, which sends no telemetry and prints no notice, whatever this machine's settings
// are. Runs on every system.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import process from 'node:process'

const turbo = createRequire(import.meta.url).resolve('turbo/bin/turbo')
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }
const { status } = spawnSync(process.execPath, [turbo, 'run', 'build', ...process.argv.slice(2)], { env, stdio: 'inherit' })
process.exitCode = status ?? 1
