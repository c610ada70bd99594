import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const run = (example: string, variables: NodeJS.ProcessEnv): Pick<SpawnSyncReturns<string>, 'status' | 'stdout' | 'stderr'> => {
  const { AWS_ENDPOINT_URL: _, VAULT_ADDR: __, VAULT_TOKEN: ___, REDIS_URL: ____, DATABASE_URL: _____, ...env } = process.env
  const program = fileURLToPath(new URL(`../../../examples/${example}/src/main.ts`, import.meta.url))
  const flags = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning']
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, program], { env: { ...env, ...variables }, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

test.each([
  ['aws-lambda', 'Set AWS_ENDPOINT_URL to an emulator of AWS: see README.md.\n'],
  ['kubernetes', 'Set VAULT_ADDR and VAULT_TOKEN to a development server of Vault or OpenBao: see README.md.\n'],
  ['rotating-postgres', 'Set DATABASE_URL to a PostgreSQL whose user may create roles: see README.md.\n'],
  ['worker-with-redis-cache', 'Set REDIS_URL to a Redis or Valkey: see README.md.\n'],
])('%s without its server says what to set, and does nothing', (example, remedy) => {
  expect(run(example, {})).toEqual({ status: 1, stdout: '', stderr: remedy })
})

test.each([
  ['aws-lambda', 'AWS_ENDPOINT_URL', 'http:', 'No emulator of AWS answers at AWS_ENDPOINT_URL: see README.md.\n'],
  ['kubernetes', 'VAULT_ADDR', 'http:', 'No Vault or OpenBao answers at VAULT_ADDR: see README.md.\n'],
  ['rotating-postgres', 'DATABASE_URL', 'postgres:', 'No PostgreSQL can be used at DATABASE_URL (ECONNREFUSED): see README.md.\n'],
  ['worker-with-redis-cache', 'REDIS_URL', 'redis:', 'No Redis or Valkey can be used at REDIS_URL (ECONNREFUSED): see README.md.\n'],
])('%s says in one line that its server does not answer', async (example, variable, protocol, remedy) => {
  const url = `${protocol}//127.0.0.1:${await closedPort()}/0`
  expect(run(example, { VAULT_TOKEN: 'unused', [variable]: url })).toEqual({ status: 1, stdout: '', stderr: remedy })
})

test.each([
  ['rotating-postgres', 'DATABASE_URL', 'No PostgreSQL can be used at DATABASE_URL (ERR_INVALID_URL): see README.md.\n'],
  ['worker-with-redis-cache', 'REDIS_URL', 'No Redis or Valkey can be used at REDIS_URL (ERR_INVALID_URL): see README.md.\n'],
])('%s does not print the password of an address that is wrong', (example, variable, remedy) => {
  expect(run(example, { [variable]: 'x://user:canary-4711@host:99999/x' })).toEqual({ status: 1, stdout: '', stderr: remedy })
})
