import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, onTestFinished, test, vi } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { canaries, context, failure, stubbed, stubVault } from '../testing/stub-vault.ts'
import { tokenOf, writePolicy } from '../testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

describe("a path that begins with the mount's name", () => {
  let warnings: MockInstance<typeof process.emitWarning>
  beforeEach(() => void (warnings = vi.spyOn(process, 'emitWarning').mockReturnValue()))
  afterEach(() => void vi.restoreAllMocks())

  test.each(['secret/finchat/token', 'secret/data/finchat/token'])(
    '%s, which is not there, is told once: paths are inside the mount',
    async (path) => {
      const stub = await stubVault((asked) => (asked.includes('/data/') ? { status: 404, body: { errors: [] } } : undefined))
      const provider = stubbed(stub)
      for (const each of ['finchat/token', 'secretive', path, path]) expect(await provider.get(each, context)).toBe(undefined)
      expect(warnings.mock.calls).toEqual([
        [
          "Vault provider 'vault': a path that begins with 'secret/' is not there; paths are inside the mount, without 'secret/' and 'data/'",
          { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_MOUNT_IN_PATH' },
        ],
      ])
    },
  )

  test('a secret at such a path is read without a warning', async () => {
    const provider = stubbed(await stubVault())
    expect((await provider.get('secret/finchat/token', context))?.value).toContain(canaries.value)
    expect(warnings).not.toHaveBeenCalled()
  })
})

describeWithServer('openbao', 'a path of dynamic secrets that `leased` does not name', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
    await bao.api('POST', 'sys/mounts/teams/database', { type: 'database' })
    await writePolicy(bao, 'kv', 'path "secret/*" { capabilities = ["read"] }')
    await writePolicy(bao, 'both', 'path "secret/*" { capabilities = ["read"] } path "teams/*" { capabilities = ["read"] }')
  })
  afterAll(() => bao.stop())

  async function providerOf(policy: string): Promise<VaultProvider> {
    const provider = vaultProvider({ url: bao.url, auth: tokenAuth(await tokenOf(bao, policy)) })
    onTestFinished(() => provider.close())
    return provider
  }

  test('is CONFIGURATION, and named, where the token may see the secrets engine', async () => {
    const provider = await providerOf('both')
    const { code, message } = await failure(provider.get('teams/database/creds/app', context))
    expect([code, message]).toEqual(['CONFIGURATION', expect.stringContaining("name it in `leased`, as in ['teams/database/creds']")])
    expect(await provider.get('app/creds/none', context)).toBe(undefined)
  })

  test('does not exist where the token may not, which a warning tells once', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockReturnValue()
    onTestFinished(() => void vi.restoreAllMocks())
    const provider = await providerOf('kv')
    for (const path of ['teams/database/creds/app', 'app/creds/none', 'app/none']) expect(await provider.get(path, context)).toBe(undefined)
    expect(warnings.mock.calls).toEqual([
      [expect.stringContaining('name it in `leased`'), { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_NOT_LEASED' }],
    ])
  })

  test('is read where a secret of KV truly lies there', async () => {
    await bao.api('POST', 'secret/data/teams/database/creds/app', { data: { value: 'v1' } })
    expect((await (await providerOf('both')).get('teams/database/creds/app', context))?.value).toBe('{"value":"v1"}')
  })
})
