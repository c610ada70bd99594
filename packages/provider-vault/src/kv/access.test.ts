import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import type { AccessRight } from '@finchat/secrets-core/provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { codeOf, context } from '../testing/stub-vault.ts'
import { trialOn } from '../testing/trials.ts'
import { type VaultTrial, writePolicy } from '../testing/vault-harness.ts'

describeWithServer('openbao', 'what a token may do', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  async function trialUnder(rules: Readonly<Record<string, readonly string[]>>, kv: 1 | 2 = 2): Promise<VaultTrial> {
    const trial = await trialOn(bao, { kv })
    const paths = Object.entries(rules).map(([path, can]) => `path "${trial.mount}/${path}" { capabilities = ${JSON.stringify(can)} }`)
    await writePolicy(bao, trial.policy, paths.join('\n'))
    return trial
  }

  const allowedIn = (rights: readonly AccessRight[]): string[] => rights.filter(({ isAllowed }) => isAllowed).map(({ feature }) => feature)

  test.each([
    [{ 'data/app/*': ['read'] }, ['read']],
    [{ 'data/app/*': ['read'], 'metadata/app/*': ['read', 'list'] }, ['read', 'list', 'versions']],
    [{ 'data/app/db': ['create', 'read', 'update'] }, ['read', 'write']],
    [{ 'data/app/*': ['create', 'read', 'update'], 'delete/app/*': ['update'] }, ['read', 'write', 'rotate', 'delete']],
    [{ 'metadata/app/*': ['patch', 'delete'] }, ['tags', 'purge']],
    [{ 'data/app/*': ['read'], 'data/app/db': ['deny'] }, []],
    [{ 'data/app/*': ['create'] }, []],
    [{ 'data/other/*': ['read'] }, []],
  ])('is told for the policy %j', async (rules, allowed) => {
    const { provider, proxy, mount } = await trialUnder(rules)
    expect(allowedIn(await provider.checkAccess(['app/db'], context))).toEqual(allowed)
    expect(proxy.requests.filter(({ path }) => path.startsWith(`/v1/${mount}/`))).toEqual([])
  })

  test('is told for KV v1, without what it does not have', async () => {
    const { provider } = await trialUnder({ 'app/*': ['read', 'list'] }, 1)
    const rights = await provider.checkAccess(['app/db'], context)
    expect(rights.map(({ feature, isAllowed }) => [feature, isAllowed])).toEqual([
      ['read', true],
      ['list', true],
      ['write', false],
      ['purge', false],
    ])
  })

  test('names the right that a policy lacks', async () => {
    const { provider, mount } = await trialUnder({ 'data/app/*': ['read'] })
    const denied = (await provider.checkAccess(['app/db'], context)).find(({ feature }) => feature === 'write')
    expect(denied).toEqual({ feature: 'write', path: 'app/db', isAllowed: false, right: `"create", "update" on "${mount}/data/app/db"` })
  })

  test('is everything for a root token', async () => {
    const { provider } = await trialOn(bao, { auth: tokenAuth(bao.rootToken) })
    expect((await provider.checkAccess(['a', 'b/c'], context)).every(({ isAllowed }) => isAllowed)).toBe(true)
  })

  test('asks nothing of a revoked token', async () => {
    const { provider, currentToken } = await trialUnder({ 'data/app/*': ['read'] })
    await bao.api('POST', 'auth/token/revoke', { token: currentToken() })
    expect(await codeOf(provider.checkAccess(['app/db'], context))).toBe('UNAUTHENTICATED')
  })
})
