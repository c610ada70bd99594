import { SecretsError } from '@finchat/secrets-core'
import { type OpenBao, type Reply, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { context } from '../testing/stub-vault.ts'
import { trialOn } from '../testing/trials.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

type Change = (provider: VaultProvider, path: string) => Promise<unknown>

const pendingOf = async (provider: VaultProvider, path: string): Promise<object> => (await provider.staging.get(path, context)) ?? {}
const put: Change = (provider, path) => provider.put(path, { value: 'one', tags: { team: 'pay' } }, context)
const stage: Change = (provider, path) => provider.staging.put(path, { value: 'two', tags: { team: 'ops' } }, context)
const remove: Change = (provider, path) => provider.delete(path, { purge: false }, context)

/** What lies there before, and the change. */
const changes: Readonly<Record<string, readonly [before: readonly Change[], change: Change]>> = {
  'a put': [[put], (provider, path) => provider.put(path, { value: 'three', tags: { team: 'ops' } }, context)],
  'a put over a version': [[put], (provider, path) => provider.put(path, { value: 'three', ifCurrent: { version: 1 } }, context)],
  'a first put': [[], (provider, path) => provider.put(path, { value: 'one', ifCurrent: null }, context)],
  'a change of tags': [[put], (provider, path) => provider.tag(path, { team: null, by: 'me' }, context)],
  'a staging': [[put], stage],
  'a promotion': [[put, stage], async (provider, path) => provider.staging.promote(path, await pendingOf(provider, path), context)],
  'a discard': [[put, stage], async (provider, path) => provider.staging.discard(path, await pendingOf(provider, path), context)],
  'a deletion': [[put, stage], remove],
  'a purge': [[put, stage], (provider, path) => provider.delete(path, { purge: true }, context)],
  'a restoration': [[put, stage, remove], (provider, path) => provider.restore(path, context)],
}

describeWithServer('openbao', 'what a change in Vault tells of its effect', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  const faults: Readonly<Record<string, Reply>> = {
    'the server is sealed': { status: 503, body: { errors: ['Vault is sealed'] } },
    'the policy is taken away': { status: 403, body: { errors: ['permission denied'] } },
    'the answer is lost': { pass: 'reset' },
  }
  const cases = Object.entries(changes).flatMap(([what, steps]) => Object.keys(faults).map((fault) => [what, fault, ...steps] as const))

  test.each(cases)('%s that is told as refused changed nothing, wherever %s', async (_, fault, before, change) => {
    const trial = await trialOn(bao)
    const other = vaultProvider({ url: bao.url, mount: trial.mount, auth: tokenAuth(trial.currentToken()) })
    onTestFinished(() => other.close())
    const stateOf = async (path: string): Promise<unknown> => {
      const answers = await Promise.allSettled([other.describe(path, context), other.staging.get(path, context)])
      return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : Object(answer.reason).code))
    }
    for (let at = 1; ; at += 1) {
      const path = `app-${at}`
      for (const step of before) await step(other, path)
      const untouched = await stateOf(path)
      let requests = 0
      trial.proxy.plan(({ path: asked }): Reply => (asked.includes(path) && (requests += 1) >= at ? (faults[fault] ?? 'pass') : 'pass'))
      const [told] = await Promise.allSettled([change(trial.provider, path)])
      trial.proxy.plan('pass')
      const isRefused = told.status === 'rejected' && SecretsError.isInstance(told.reason) && told.reason.effect === undefined
      if (isRefused) expect(await stateOf(path), `request ${at}`).toEqual(untouched)
      if (requests >= at) continue
      expect(told.status).toBe('fulfilled')
      break
    }
  })
})
