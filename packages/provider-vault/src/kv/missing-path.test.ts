import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { token } from '../auth/token.ts'
import { context, failure } from '../testing/stub-vault.ts'
import { tokenOf, writePolicy } from '../testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

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
    const provider = vaultProvider({ url: bao.url, auth: token(await tokenOf(bao, policy)) })
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
