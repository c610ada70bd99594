import type { StagedReceipt, WriteReceipt } from '@finchat/secrets-core'
import { type OpenBao, type Reply, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { codeOf, context } from '../testing/stub-vault.ts'
import { trialOn } from '../testing/trials.ts'
import type { VaultTrial } from '../testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

const note = { by: 'rotator-<1>', plan: 'monthly' }
type What = 'put' | 'promote' | 'discard'

describeWithServer('openbao', 'what is repeated in Vault after a lost answer', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  const stage = (provider: VaultProvider, path: string): Promise<StagedReceipt> =>
    provider.staging.put(path, { value: 'two', note, tags: { team: 'pay', by: 'me' } }, context)
  const run = (what: What, provider: VaultProvider, path: string, pending: StagedReceipt | undefined): Promise<WriteReceipt | void> =>
    what === 'put' ? stage(provider, path) : provider.staging[what](path, pending ?? {}, context)
  const prepare = async (what: What, { provider }: VaultTrial, path: string): Promise<StagedReceipt | undefined> => {
    await provider.put(path, { value: 'one' }, context)
    return what === 'put' ? undefined : stage(provider, path)
  }
  const isDone = async (what: What, { provider }: VaultTrial, path: string, answer: WriteReceipt | void): Promise<void> => {
    const [waits, now] = [await provider.staging.get(path, context), await provider.get(path, context)]
    if (what === 'put') expect(waits).toMatchObject({ ...answer, value: '{"value":"two"}', note })
    else expect(waits).toBe(undefined)
    expect(now).toMatchObject(what === 'promote' ? { ...answer, version: 2, value: '{"value":"two"}' } : { value: '{"value":"one"}' })
  }

  const cases = (['put', 'promote', 'discard'] as const).flatMap((what) => [0, 1].map((most) => [what, most] as const))
  test.each(cases)('a %s is answered as the first time, whichever answer was lost, where max_versions is %i', async (what, most) => {
    const trial = await trialOn(bao)
    await bao.api('POST', `${trial.mount}/config`, { max_versions: most })
    for (let at = 1; ; at += 1) {
      const path = `app-${at}`
      const pending = await prepare(what, trial, path)
      let requests = 0
      trial.proxy.plan((): Reply => ((requests += 1) === at ? { pass: 'reset' } : 'pass'))
      const [lost] = await Promise.allSettled([run(what, trial.provider, path, pending)])
      trial.proxy.plan('pass')
      if (requests < at) break
      const again = await run(what, trial.provider, path, pending)
      expect(await run(what, trial.provider, path, pending), `request ${at}`).toEqual(again)
      if (lost.status === 'fulfilled') expect(again).toEqual(lost.value)
      await isDone(what, trial, path, again)
    }
  })

  test.each(['put', 'promote', 'discard'] as const)(
    'a %s by two processes at once is answered alike, wherever one stops while the other is done',
    async (what) => {
      const trial = await trialOn(bao)
      const other = vaultProvider({ url: bao.url, mount: trial.mount, auth: tokenAuth(trial.currentToken()) })
      onTestFinished(() => other.close())
      for (let at = 1; ; at += 1) {
        const path = `app-${at}`
        const pending = await prepare(what, trial, path)
        let requests = 0
        let theirs: WriteReceipt | void = undefined
        trial.proxy.plan(async (): Promise<Reply> => {
          if ((requests += 1) === at) theirs = await run(what, other, path, pending)
          return 'pass'
        })
        const ours = await run(what, trial.provider, path, pending)
        trial.proxy.plan('pass')
        if (requests < at) break
        expect(ours, `before request ${at}`).toEqual(theirs)
        await isDone(what, trial, path, ours)
      }
    },
  )

  test('a version that is staged again with other tags is another one', async () => {
    const { provider } = await trialOn(bao)
    const receipt = await stage(provider, 'app')
    expect(await codeOf(provider.staging.put('app', { value: 'two', note, tags: { team: 'pay' } }, context))).toBe('VERSION_CONFLICT')
    expect(await stage(provider, 'app')).toEqual(receipt)
  })

  test('an envelope without a note, of an earlier release, is read and promoted', async () => {
    const { provider, mount } = await trialOn(bao)
    await provider.put('app', { value: 'one' }, context)
    const data = { base: 1, tags: {}, fields: { value: 'two' } }
    await bao.api('POST', `${mount}/data/app.finchat-staged`, { data })
    const pending = await provider.staging.get('app', context)
    expect(pending).toEqual({
      value: '{"value":"two"}',
      shape: 'map',
      revision: expect.any(String),
      attempt: 1,
      stagedAt: Date.parse(pending?.revision ?? ''),
    })
    expect(await provider.staging.put('app', { value: 'two' }, context)).toEqual({ revision: pending?.revision, attempt: 1 })
    expect(await provider.staging.promote('app', pending ?? {}, context)).toMatchObject({ version: 2 })
  })

  test('a promotion that was overtaken is a conflict, and so is a receipt of long ago', async () => {
    const { provider } = await trialOn(bao)
    await provider.put('app', { value: 'one' }, context)
    const pending = await stage(provider, 'app')
    await provider.staging.promote('app', pending, context)
    await provider.put('app', { value: 'three' }, context)
    expect(await codeOf(provider.staging.promote('app', pending, context))).toBe('VERSION_CONFLICT')
    await provider.staging.discard('app', await stage(provider, 'app'), context)
    await provider.staging.discard('app', await provider.staging.put('app', { value: 'four' }, context), context)
    expect(await codeOf(provider.staging.discard('app', pending, context))).toBe('VERSION_CONFLICT')
  })

  test('a probe reads the data, and nothing of the metadata', async () => {
    const { provider, proxy, mount } = await trialOn(bao)
    const receipt = await provider.put('app', { value: 'one' }, context)
    const before = proxy.requests.length
    expect(await provider.probe('app', context)).toEqual(receipt)
    expect(proxy.requests.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([`GET /v1/${mount}/data/app`])
    const plain = await trialOn(bao, { kv: 1 })
    await plain.seed('app', 'one')
    expect(await codeOf(plain.provider.probe('app', context))).toBe('UNSUPPORTED')
  })
})
