import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { hostilePaths } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { userpass } from './auth/userpass.ts'
import { canHoldPath } from './shared/paths.ts'
import { everythingIn } from './testing/raw-vault.ts'
import { codeOf, collected, context } from './testing/stub-vault.ts'
import { vaultTrial } from './testing/vault-harness.ts'
import { vaultProvider } from './vault-provider.ts'

const pieces = [
  '..',
  '.',
  '/',
  '\\',
  '%2e',
  '%2f',
  '%',
  '?',
  '#',
  '&',
  '=',
  ';',
  ' ',
  '\t',
  '\n',
  '\0',
  '{{',
  '}}',
  '"',
  "'",
  '<',
  '*',
  '+',
  '~',
  'sys',
  'seal',
  'data',
  'metadata',
  'v1',
  'é',
  '🔑',
  '\u200b',
  '\ud800',
  'a',
  'b',
]
const names = [
  ...hostilePaths,
  ...fc.sample(
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
    { numRuns: 650, seed: 42 },
  ),
]

describeWithServer('openbao', '500 hostile names', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  test('are refused, or exactly themselves on the server, and no request leaves the mount', { timeout: 120_000 }, async () => {
    const { provider, mount, proxy, close } = await vaultTrial(bao, { timeoutMs: 60_000 })
    onTestFinished(close)
    const distinct = [...new Set(names)]
    expect(distinct.length).toBeGreaterThanOrEqual(500)
    const written = new Map<string, string>()
    const write = async (name: string, value: string): Promise<void> => {
      const code = await codeOf(provider.put(name, { value }, context))
      expect(code, JSON.stringify(name)).toBe(canHoldPath(name) ? 'ok' : 'INVALID_ARGUMENT')
      if (code === 'ok') written.set(name, value)
    }
    await Promise.all(distinct.map((name, n) => write(name, `value-${n}`)))
    const reads = distinct.flatMap((name) => [
      provider.get(name, context),
      provider.describe(name, context),
      collected(provider.list(name, context)),
    ])
    await Promise.allSettled(reads)
    expect(written.size).toBeGreaterThan(100)
    expect(await everythingIn(bao, mount)).toEqual(written)
    for (const { path } of proxy.requests) assertInside(path, mount)
  })

  test('of users do not turn a login into another request', async () => {
    for (const username of ['../../sys/seal', '..', '.', 'a/b', '', 'a?b', 'a#b', '%2e%2e']) {
      const { proxy, close } = await vaultTrial(bao)
      onTestFinished(close)
      const code = await Promise.resolve()
        .then(() => vaultProvider({ url: proxy.url, auth: userpass({ username, password: 'p' }) }))
        .then((provider) => codeOf(provider.get('app', context)))
        .catch((error: { code: string }) => error.code)
      expect(['CONFIGURATION', 'UNAUTHENTICATED', 'PERMISSION_DENIED']).toContain(code)
      const logins = proxy.requests.map(({ path }) => path).filter((path) => path !== '/v1/sys/internal/ui/mounts')
      for (const path of logins) expect(path).toBe(`/v1/auth/userpass/login/${encodeURIComponent(username)}`)
    }
  })
})

/** As the server reads it: with every segment decoded, none of them dots. */
function assertInside(path: string, mount: string): void {
  const [plain = '', query = ''] = path.split('?')
  if (plain === '/v1/sys/internal/ui/mounts') return
  expect(['', 'list=true'], path).toContain(query)
  expect(plain).toMatch(new RegExp(`^/v1/${mount}/(data|metadata)(/|$)`))
  for (const segment of plain.slice(1).split('/').map(decodeURIComponent)) expect(['', '.', '..']).not.toContain(segment)
}
