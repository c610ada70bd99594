import { once } from 'node:events'
import { createSecretsManager } from '@finchat/secrets-core'
import { type OpenBao, type RecordedRequest, type Reply, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProcess } from './testing/other-process.ts'
import { codeOf, context, failure } from './testing/stub-vault.ts'
import { trialOn } from './testing/trials.ts'
import type { VaultTrial } from './testing/vault-harness.ts'

const isWrite = ({ method, path }: RecordedRequest): boolean => method !== 'GET' && path.endsWith('/data/app')

describeWithServer('openbao', 'rotators of one secret', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  async function trialOf(options?: Parameters<typeof trialOn>[1]): Promise<VaultTrial> {
    const trial = await trialOn(bao, options)
    await trial.provider.put('app', { value: 'v1' }, context)
    return trial
  }

  /** Holds the first write at the proxy, from when `write` sends it until the returned function is called. */
  async function heldWrite({ proxy }: VaultTrial, write: () => Promise<unknown>): Promise<{ readonly letGo: () => Promise<unknown> }> {
    const { promise: held, resolve } = Promise.withResolvers<void>()
    let writes = 0
    proxy.plan(async (request): Promise<Reply> => {
      if (isWrite(request) && (writes += 1) === 1) await held
      return 'pass'
    })
    const writing = write()
    await expect.poll(() => writes).toBe(1) // a busy machine takes its time to load the engine
    return {
      letGo: () => {
        resolve()
        return writing
      },
    }
  }

  test('in two processes: each of 60 numbers has one winner, and the other gets VERSION_CONFLICT', async () => {
    const { mount, currentToken, provider } = await trialOf()
    await bao.api('POST', `${mount}/metadata/app`, { max_versions: 100 })
    const names = ['first', 'second']
    const rotators = names.map((name) => startProcess('rotating-process.ts', [bao.url, mount, currentToken(), 'app', name]).child)
    for (let version = 2; version <= 61; version += 1) {
      const outcomes = await Promise.all(
        rotators.map(async (child) => {
          child.send(version)
          const [outcome] = await once(child, 'message')
          return String(outcome)
        }),
      )
      expect(outcomes.toSorted()).toEqual(['VERSION_CONFLICT', 'done'])
      const value = `${version} of ${names[outcomes.indexOf('done')]}`
      expect(await provider.get('app', context)).toMatchObject({ version, value: JSON.stringify({ value }) })
    }
    expect(await provider.describe('app', context)).toMatchObject({ versions: { length: 61 } })
  })

  test('a delayed one never moves the current version back, with a number', async () => {
    const trial = await trialOf()
    const { provider } = trial
    const secrets = createSecretsManager({ providers: [provider] })
    const delayed = await heldWrite(trial, () => failure(secrets.rotateSecret('app', 'delayed', { version: 2 })))
    for (const version of [2, 3]) expect(await provider.put('app', { value: `faster ${version}` }, context)).toMatchObject({ version })
    expect(await delayed.letGo()).toMatchObject({ code: 'VERSION_CONFLICT', remedy: expect.stringContaining('the next is 4') })
    expect(await provider.get('app', context)).toMatchObject({ version: 3, value: '{"value":"faster 3"}' })
    await secrets.close()
  })

  test('a delayed one never moves the current version back, by promotion', async () => {
    const trial = await trialOf()
    const { provider } = trial
    const pending = await provider.staging.put('app', { value: 'delayed' }, context)
    const delayed = await heldWrite(trial, () => codeOf(provider.staging.promote('app', pending, context)))
    await provider.put('app', { value: 'faster' }, context)
    expect(await delayed.letGo()).toBe('VERSION_CONFLICT')
    expect(await provider.get('app', context)).toMatchObject({ version: 2, value: '{"value":"faster"}' })
  })

  test('a delayed one never takes back the fields of another', async () => {
    const trial = await trialOf()
    const { provider } = trial
    const secrets = createSecretsManager({ providers: [provider] })
    const delayed = await heldWrite(trial, () => secrets.rotateSecret('app', 'delayed', { field: 'password' }))
    await provider.put('app', { value: '{"user":"new","value":"v2"}', shape: 'map' }, context)
    expect(await delayed.letGo()).toMatchObject({ version: 3 })
    expect((await secrets.getSecretValue('app')).json()).toEqual({ user: 'new', value: 'v2', password: 'delayed' })
    await secrets.close()
  })
})
