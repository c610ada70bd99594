import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, collected, context } from './testing/stub-vault.ts'
import { trialOn } from './testing/trials.ts'
import { type VaultTrial, writePolicy } from './testing/vault-harness.ts'

/** The policies that docs/vault.md shows: for reading, for rotating, for leases, and for KV v1. */
const [reading = '', rotating = '', , plain = ''] = [
  ...readFileSync(join(import.meta.dirname, '../../../docs/vault.md'), 'utf8').matchAll(/^```hcl\n(.*?)^```$/gms),
].map(([, text = '']) => text)

describeWithServer('openbao', 'the policies of docs/vault.md', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  async function trialUnder(policy: string, kv: 1 | 2 = 2): Promise<VaultTrial> {
    const trial = await trialOn(bao, { kv })
    await writePolicy(bao, trial.policy, policy.replaceAll('"secret/', `"${trial.mount}/`))
    return trial
  }

  test('allow what a reader does, and no more', async () => {
    const { provider, seed } = await trialUnder(reading)
    for (const value of ['v1', 'v2']) await seed('app/db', value)
    expect((await provider.get('app/db', context))?.version).toBe(2)
    expect((await provider.getVersion('app/db', 'previous', context))?.version).toBe(1)
    expect((await provider.describe('app/db', context))?.version).toBe(2)
    expect((await provider.probe('app/db', context))?.version).toBe(2)
    await seed('app/db.finchat-staged', 'not ours')
    expect(await codeOf(provider.staging.get('app/db', context))).toBe('INTEGRITY')
    await provider.checkHealth(context)
    expect(await codeOf(provider.put('app/db', { value: 'v3' }, context))).toBe('PERMISSION_DENIED')
    expect(await codeOf(provider.get('other/db', context))).toBe('PERMISSION_DENIED')
  })

  test('allow everything that a rotating service does', async () => {
    const { provider } = await trialUnder(rotating)
    await provider.put('app/db', { value: 'v1', ifCurrent: null, tags: { team: 'pay' } }, context)
    await provider.tag('app/db', { stage: 'test' }, context)
    await provider.staging.promote('app/db', await provider.staging.put('app/db', { value: 'v2' }, context), context)
    await provider.staging.discard('app/db', await provider.staging.put('app/db', { value: 'v3' }, context), context)
    expect(await provider.describe('app/db', context)).toMatchObject({ version: 2, tags: { team: 'pay', stage: 'test' } })
    expect(await collected(provider.list('app/', context))).toEqual([{ path: 'app/db' }])
    await provider.delete('app/db', { purge: false }, context)
    await provider.restore('app/db', context)
    expect((await provider.get('app/db', context))?.value).toBe('{"value":"v2"}')
    await provider.delete('app/db', { purge: true }, context)
    expect(await provider.get('app/db', context)).toBe(undefined)
    expect(await codeOf(provider.put('other/db', { value: 'v1' }, context))).toBe('PERMISSION_DENIED')
  })

  test('allow everything that KV v1 has', async () => {
    const { provider } = await trialUnder(plain, 1)
    await provider.put('app/db', { value: 'v1' }, context)
    expect((await provider.get('app/db', context))?.value).toBe('{"value":"v1"}')
    expect(await collected(provider.list('app/', context))).toEqual([{ path: 'app/db' }])
    await provider.delete('app/db', { purge: true }, context)
    expect(await codeOf(provider.get('other/db', context))).toBe('PERMISSION_DENIED')
  })
})
