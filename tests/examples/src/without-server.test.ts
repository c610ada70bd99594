import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test.each([
  ['aws-lambda', 'Set AWS_ENDPOINT_URL to an emulator of AWS: see README.md.\n'],
  ['kubernetes', 'Set VAULT_ADDR and VAULT_TOKEN to a development server of Vault or OpenBao: see README.md.\n'],
  ['worker-with-redis-cache', 'Set REDIS_URL to a Redis or Valkey: see README.md.\n'],
])('%s without its server says what to set, and does nothing', (example, remedy) => {
  const { AWS_ENDPOINT_URL: _, VAULT_ADDR: __, REDIS_URL: ___, ...env } = process.env
  const program = fileURLToPath(new URL(`../../../examples/${example}/src/main.ts`, import.meta.url))
  const flags = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning']
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, program], { env, encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: remedy })
})
