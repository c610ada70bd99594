import assert from 'node:assert/strict'
import { format, inspect } from 'node:util'
import { createSecretsManager, SecretsError, type SecretProvider, type SecretsManager, type SecretValue } from '@finchat/secrets-core'
import { liveSecret, useSecret, watchSecret } from '@finchat/secrets-core/live'
import { discardSecret, pendingSecret, promoteSecret, stageSecret } from '@finchat/secrets-core/staging'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { faults, faultyProvider, leaksOf, memoryAuditTrail, memoryProvider, type FaultPlan } from '@finchat/secrets-testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from './testing/manager-trial.ts'

const canary = 'canary-7c40e9b1d5'
const stores: Record<string, () => SecretProvider> = {
  'in memory': () => memoryProvider({ name: 'store' }),
  'in a local store': () => localProvider({ name: 'store', path: ':memory:', key: generateKey() }),
}

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
const warnings: unknown[] = []

beforeEach(() => {
  process.on('unhandledRejection', note)
  vi.spyOn(process, 'emitWarning').mockImplementation((...warning) => void warnings.push(warning))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled.splice(0), [])
  warnings.length = 0
})

interface Trial {
  readonly secrets: SecretsManager
  readonly records: () => readonly unknown[]
  plan: FaultPlan
}

/** A manager whose secret `db` has a previous, a current and a staged version. */
async function trialOf(store: SecretProvider): Promise<Trial> {
  const audit = memoryAuditTrail()
  const trial: { plan: FaultPlan } = { plan: () => undefined }
  const provider = faultyProvider(store, (call) => trial.plan(call))
  const secrets = createSecretsManager({ providers: [provider], audit })
  await secrets.storeSecret('db', `{"user":"app","password":"${canary}-1"}`)
  await secrets.rotateSecret('db', `{"user":"app","password":"${canary}-2"}`)
  await stageSecret(secrets, 'db', `{"user":"app","password":"${canary}-3"}`, { note: { by: 'rotator' } })
  return Object.assign(trial, { secrets, records: () => audit.events() })
}

/** All ways in which somebody prints a thing; `leaksOf` looks into it, and into its `cause`. */
function leaksIn(...things: readonly unknown[]): readonly string[] {
  const printed = things.map((thing) => [
    format('%s %o %O %j', thing, thing, thing, { thing }),
    inspect(thing, { customInspect: false, showHidden: true, depth: 9, getters: true }),
  ])
  return leaksOf([things, printed], canary)
}

describe.each(Object.entries(stores))('a secret %s that is followed', (_where, storeOf) => {
  it('shows no value in a handle, its promises, functions and errors', async () => {
    const trial = await trialOf(storeOf())
    const { secrets } = trial
    const handle = liveSecret(secrets, 'db')
    const early = await Promise.resolve()
      .then(() => handle.current)
      .catch((error: unknown) => error)
    expect(SecretsError.isInstance(early) && early.code).toBe('UNAVAILABLE')
    await handle.ready
    const ask = handle.asPasswordFunction({ field: 'password' })
    expect(await ask()).toBe(`${canary}-2`)
    const wrongField = await failureOf(handle.asPasswordFunction({ field: `${canary}-field` })())
    const refusedLogin = await failureOf(
      handle.logIn(() => Promise.reject(new SecretsError('UNAUTHENTICATED', 'no')), { isAuthError: () => true }),
    )
    const next = await handle.refused(handle.current)
    expect(next.reveal()).toContain(`${canary}-3`)
    expect(
      leaksIn(
        handle,
        { ...handle },
        early,
        wrongField,
        refusedLogin,
        handle.logIn,
        ask,
        handle.asPasswordFunction,
        handle.ready,
        next,
        trial.records(),
      ),
    ).toEqual([])
    handle[Symbol.dispose]()
    await secrets.close()
    const closed = await handle
      .asPasswordFunction()()
      .catch((error: unknown) => error)
    expect(leaksIn(handle, closed, warnings)).toEqual([])
  })

  it('shows no value in a watch, in what it yields, in its end and in the warnings', async () => {
    const trial = await trialOf(storeOf())
    const { secrets } = trial
    await discardSecret(secrets, 'db', (await pendingSecret(secrets, 'db')) ?? { provider: 'none' })
    const seen: SecretValue[] = []
    const onChange = (value: SecretValue): never => {
      seen.push(value)
      throw new Error(`a listener that prints: ${value.reveal()}`)
    }
    const watch = watchSecret(secrets, 'db', { onChange })
    await secrets.getSecret('db')
    const yielded = watch.next()
    await secrets.rotateSecret('db', `${canary}-4`)
    expect((await yielded).value?.reveal()).toBe(`${canary}-4`)
    let isDenied = false
    trial.plan = ({ method }) => {
      const isRead = ['get', 'probe', 'describe'].includes(method)
      if (isRead && isDenied) return faults.reject('PERMISSION_DENIED')
      isDenied ||= method === 'put'
      return undefined
    }
    const unwatched = liveSecret(secrets, 'db')
    const end = failureOf(watch.next())
    await secrets.rotateSecret('db', `${canary}-5`)
    expect((await end).code).toBe('PERMISSION_DENIED')
    expect(warnings.flat()).toEqual(expect.arrayContaining([expect.stringContaining('onChange'), expect.stringContaining('denied')]))
    expect(leaksIn(watch, unwatched, await yielded, await end, seen, warnings, trial.records())).toEqual([])
    await secrets.close()
    expect(leaksIn(watch, unwatched, await failureOf(secrets.getSecret('db')))).toEqual([])
  })

  it('shows no value in the errors of useSecret, which are those of the far side', async () => {
    const { secrets, records } = await trialOf(storeOf())
    const used: string[] = []
    const refused = new Error('password authentication failed')
    const login = (value: SecretValue): Promise<never> => {
      used.push(value.reveal())
      return Promise.reject(refused)
    }
    const isAuthError = (error: unknown): boolean => error === refused
    const failure = await useSecret(secrets, 'db', login, { isAuthError, budgetMs: 200 }).catch((error: unknown) => error)
    expect(failure).toBe(refused)
    for (const version of [1, 2, 3]) expect(used.some((each) => each.includes(`${canary}-${version}`))).toBe(true)
    const options = [{ candidates: [canary] }, { usedIn: canary }]
    const misread = await Promise.all(
      options.map((option) => failureOf(useSecret(secrets, 'db', login, { isAuthError, ...option } as never))),
    )
    expect(leaksIn(failure, misread, warnings, records())).toEqual([])
    await secrets.close()
  })

  it('shows no value in a staged version, its receipts and errors', async () => {
    const { secrets, records } = await trialOf(storeOf())
    const pending = await pendingSecret(secrets, 'db')
    expect(pending?.note).toEqual({ by: 'rotator' })
    const errors = [
      await failureOf(stageSecret(secrets, 'db', `${canary}-other`)),
      await failureOf(stageSecret(secrets, 'db', `${canary}\ud800`)),
      await failureOf(discardSecret(secrets, 'db', { provider: 'store', version: 1 })),
    ]
    const receipt = await promoteSecret(secrets, 'db', pending ?? { provider: 'store' })
    errors.push(await failureOf(discardSecret(secrets, 'db', pending ?? { provider: 'store' })))
    expect(await secrets.getSecret('db')).toContain(`${canary}-3`)
    expect(leaksIn(pending, receipt, errors, warnings, records())).toEqual([])
    expect(errors.map(({ cause }) => cause)).toEqual([undefined, undefined, undefined, undefined])
    await secrets.close()
  })
})
