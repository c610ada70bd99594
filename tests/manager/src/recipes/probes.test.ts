import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { createSecretsManager, envProvider, type SecretProvider, SecretsError, type SecretsManager } from '@finchat/secrets-core'
import { localProvider } from '@finchat/secrets-provider-local'
import { vaultProvider } from '@finchat/secrets-provider-vault'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { parse } from 'yaml'
import { services } from '../testing/services.ts'

const canary = 'canary-9d41'
const needed = ['FINCHAT_TOKEN', 'LOG_LEVEL']

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue())
afterEach(() => void vi.restoreAllMocks())

async function start(kind: string, secrets: SecretsManager): Promise<string> {
  const service = await services[kind]?.(secrets, needed)
  if (service === undefined) throw new Error('there is no such recipe')
  onTestFinished(async () => {
    await service.close()
    await secrets.close()
  })
  return service.url
}

/** The status of an answer, and its JSON if it has any. */
async function ask(url: string, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const answer = await fetch(url, { headers: { ...headers, connection: 'close' } })
  const text = await answer.text()
  expect(text).not.toContain(canary)
  return [answer.status, text.startsWith('{') ? JSON.parse(text) : undefined]
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

/** A Vault that nothing listens for. */
async function deadVault(): Promise<SecretProvider> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on a port
  server.close()
  await once(server, 'close')
  return vaultProvider({ url: `http://127.0.0.1:${port}`, auth: async () => 'a-token', timeoutMs: 500 })
}

describe.each(Object.keys(services))('the recipe for %s', (kind) => {
  test('in an outage that the chain survives stays ready and alive', async () => {
    const local = localProvider({ path: ':memory:', key: '00112233445566778899aabbccddeeff'.repeat(2) })
    const env = envProvider({ env: { LOG_LEVEL: 'info' } })
    const secrets = createSecretsManager({ providers: [await deadVault(), local, env], writeTo: 'local' })
    await local.put('FINCHAT_TOKEN', { value: canary }, { signal: new AbortController().signal })
    const url = await start(kind, secrets)
    expect(await ask(`${url}/readyz`)).toMatchObject([200, { ok: true, degraded: 2, failed: 0 }])
    expect(await ask(`${url}/livez`)).toMatchObject([200, { ok: true }])
    expect((await secrets.checkHealth()).ok).toBe(false)
  })

  test('is not ready without a secret, and says no name', async () => {
    const url = await start(kind, createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: canary } })] }))
    const [status, body] = await ask(`${url}/readyz`)
    expect([status, body]).toMatchObject([503, { ok: false, failed: 1 }])
    expect(JSON.stringify(body)).not.toContain('LOG_LEVEL')
    expect((await ask(`${url}/livez`))[0]).toBe(200)
  })

  test('takes the token, and answers 401 to another one and to none', async () => {
    const url = await start(kind, createSecretsManager({ providers: [envProvider({ env: { FINCHAT_TOKEN: canary, DB: 'db' } })] }))
    expect(await ask(`${url}/work`, bearer(canary))).toEqual([200, { length: 2 }])
    for (const headers of [bearer('guess'), bearer(''), {}, { authorization: canary }, { authorization: `Basic ${canary}` }])
      expect((await ask(`${url}/work`, headers))[0]).toBe(401)
  })

  test('answers 503 while no store can tell whether the token is right', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const get = async (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'down'))
    const url = await start(kind, createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }] }))
    expect((await ask(`${url}/work`, bearer('guess')))[0]).toBe(503)
    expect((await ask(`${url}/work`))[0]).toBe(401)
  })

  test('answers 503 to every token while its secret is missing, and logs its name once', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const env: Record<string, string> = { DB: 'db' }
    const url = await start(kind, createSecretsManager({ providers: [envProvider({ env })], cache: { ttlSeconds: 1 } }))
    for (const token of [canary, 'guess', canary]) expect((await ask(`${url}/work`, bearer(token)))[0]).toBe(503)
    expect((await ask(`${url}/work`))[0]).toBe(401)
    expect(log.mock.calls).toEqual([[expect.stringContaining("'FINCHAT_TOKEN'")]])
    expect(String(log.mock.calls)).not.toContain(canary)
    env['FINCHAT_TOKEN'] = canary
    await vi.waitFor(async () => expect((await ask(`${url}/work`, bearer(canary)))[0]).toBe(200), { timeout: 10_000 })
    expect((await ask(`${url}/work`, bearer('guess')))[0]).toBe(401)
    expect(log).toHaveBeenCalledTimes(1)
  })

  test('on SIGTERM ends the requests under way, which may still read secrets, and then the process', async () => {
    const { child, url, lines } = await served(kind)
    const ended = once(child, 'exit')
    const underWay = ask(`${url}/work`, bearer('right'))
    await once(lines, 'line') // its token is checked
    child.kill('SIGTERM')
    await vi.waitFor(() => expect(ask(`${url}/livez`)).rejects.toThrow('fetch failed'), 20_000)
    expect(await underWay).toEqual([200, { length: 2 }])
    // Nest ends by the signal itself, once its hooks have run.
    expect(await ended).toEqual(kind === 'nest' ? [null, 'SIGTERM'] : [0, null])
  })
})

/** A service in a process of its own. */
async function served(kind: string): Promise<{ child: ChildProcess; url: string; lines: Interface }> {
  const program = join(import.meta.dirname, '../testing/serving-process.ts')
  const child = spawn(process.execPath, ['--conditions=@finchat/source', program, kind], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const [url] = (await once(lines, 'line')) as [string] // a line is text
  return { child, url, lines }
}

test('the deployment asks what the recipes answer, and leaves time for the end', () => {
  const { spec } = parse(readFileSync(join(import.meta.dirname, 'deployment.yaml'), 'utf8')).spec.template
  const [{ livenessProbe, readinessProbe, lifecycle }] = spec.containers
  expect([livenessProbe.httpGet.path, readinessProbe.httpGet.path]).toEqual(['/livez', '/readyz'])
  const [canServeSeconds, drainSeconds, closeSeconds] = [0.8, 15, 25]
  expect(readinessProbe.timeoutSeconds).toBeGreaterThan(canServeSeconds)
  expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(lifecycle.preStop.sleep.seconds + drainSeconds + closeSeconds)
})
