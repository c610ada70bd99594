import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import type { AuditEvent, AuditTrail } from '../contract/audit.ts'
import type { SecretProvider } from '../contract/provider.ts'
import type { SharedCache } from '../contract/shared-cache.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { discardSecret, pendingSecret, promoteSecret, stageSecret } from '../staging.ts'
import { refusal } from '../testing/refusal.ts'
import { stagingStore } from '../testing/staging-store.ts'

const canary = 'canary-3e77'
const other: SecretProvider = { specificationVersion: 'v1', name: 'other', get: async () => undefined }

/** Of a provider that keeps named fields. */
function keeping(members: Partial<SecretProvider> = {}): Partial<SecretProvider> {
  return { keepsFields: () => true, ...members }
}

function recording(events: AuditEvent[]): AuditTrail {
  return { specificationVersion: 'v1', record: async (event) => void events.push(event) }
}

describe('a staged version', () => {
  it('waits beside the current one until it is promoted', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [other, store.provider] })
    const before = await secrets.getSecretValue('db')
    const receipt = await stageSecret(secrets, 'db', canary, { note: { by: 'rotator' } })
    expect(receipt).toMatchObject({ provider: 'store', version: 2 })
    expect(await secrets.getSecretValue('db')).toBe(before)
    const pending = await pendingSecret(secrets, 'db')
    expect([pending?.value.reveal(), pending?.version, pending?.provider]).toEqual([canary, 2, 'store'])
    expect(await promoteSecret(secrets, 'db', receipt)).toEqual({ provider: 'store', version: 2 })
    expect(await secrets.getSecret('db')).toBe(canary)
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
  })

  it('tells its attempt, its time and its note', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const { attempt } = await stageSecret(secrets, 'db', canary, { note: { by: 'rotator' } })
    const pending = await pendingSecret(secrets, 'db')
    expect([attempt, pending?.attempt, pending?.note, typeof pending?.stagedAt]).toEqual([1, 1, { by: 'rotator' }, 'number'])
  })

  it('may be staged, promoted and discarded again after a lost answer', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const receipt = await stageSecret(secrets, 'db', canary)
    expect(await stageSecret(secrets, 'db', canary)).toEqual(receipt)
    expect((await refusal(stageSecret(secrets, 'db', 'another'))).code).toBe('VERSION_CONFLICT')
    await promoteSecret(secrets, 'db', receipt)
    expect(await promoteSecret(secrets, 'db', receipt)).toMatchObject({ version: receipt.version })
    expect((await refusal(discardSecret(secrets, 'db', receipt))).code).toBe('VERSION_CONFLICT')
  })

  it('is withdrawn by discardSecret', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const receipt = await stageSecret(secrets, 'db', canary)
    expect(await discardSecret(secrets, 'db', receipt)).toEqual({ provider: 'store' })
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
    expect(await secrets.getSecret('db')).toBe('v1')
  })

  it('may be the first version of a secret', async () => {
    const store = stagingStore(undefined)
    const secrets = createSecretsManager({ providers: [store.provider] })
    await promoteSecret(secrets, 'db', await stageSecret(secrets, 'db', canary))
    expect(await secrets.getSecret('db')).toBe(canary)
  })

  it('has the other fields of the current one', async () => {
    const store = stagingStore({ value: '{"user":"app","password":"v1"}', shape: 'map', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    await promoteSecret(secrets, 'db', await stageSecret(secrets, 'db', canary, { field: 'password' }))
    expect((await secrets.getSecretValue('db')).json()).toEqual({ user: 'app', password: canary })
  })

  it('is put into the only field that the store keeps, with one read', async () => {
    const one = stagingStore({ value: '{"password":"v1"}', shape: 'map', version: 1 }, keeping())
    const secrets = createSecretsManager({ providers: [one.provider] })
    await stageSecret(secrets, 'db', canary)
    expect([one.pending?.value, one.pending?.shape, one.calls['get'], one.calls['describe']]).toEqual([
      `{"password":"${canary}"}`,
      'map',
      1,
      undefined,
    ])
  })

  it('with fields of its own, or for one field, is written without a read of the others first', async () => {
    const described = vi.fn<NonNullable<SecretProvider['describe']>>(async () => ({ version: 1 }))
    const store = stagingStore({ value: '{"user":"app","password":"v1"}', shape: 'map', version: 1 }, keeping({ describe: described }))
    const secrets = createSecretsManager({ providers: [store.provider] })
    await stageSecret(secrets, 'db', { user: 'app', password: canary })
    expect([store.calls['get'], described.mock.calls.length]).toEqual([undefined, 1])
    store.pending = undefined
    await stageSecret(secrets, 'db', canary, { field: 'password' })
    expect([store.calls['get'], described.mock.calls.length]).toEqual([1, 2])
  })

  it('replaces the whole secret in a store that keeps texts', async () => {
    const store = stagingStore({ value: '{"user":"app","password":"v1"}', shape: 'map', version: 1 })
    await stageSecret(createSecretsManager({ providers: [store.provider] }), 'db', canary)
    expect([store.pending?.value, store.pending?.shape]).toEqual([canary, undefined])
  })

  it('of a lease is refused', async () => {
    const lease = async (): Promise<{ exclusive: true }> => ({ exclusive: true })
    const store = stagingStore({ value: '{"password":"v1"}', shape: 'map', exclusive: true }, { describe: lease })
    const secrets = createSecretsManager({ providers: [store.provider] })
    expect((await refusal(stageSecret(secrets, 'db', canary, { field: 'password' }))).code).toBe('UNSUPPORTED')
    expect([store.calls['get'], store.calls['staging.put']]).toEqual([undefined, undefined])
  })

  it('leaves no copy of the current value behind in a store that is not written otherwise', async () => {
    const store = stagingStore({ value: Buffer.from('v1 of a binary secret'), version: 1 }, keeping({ put: undefined }))
    const secrets = createSecretsManager({ providers: [store.provider] })
    const overwritten: string[] = []
    const fill = vi.spyOn(Buffer.prototype, 'fill').mockImplementation(function (this: Buffer) {
      overwritten.push(this.toString())
      return this
    })
    await stageSecret(secrets, 'db', canary)
    fill.mockRestore()
    expect(overwritten).toContain('v1 of a binary secret')
  })

  it('is named by its revision where a store has no numbers', async () => {
    const promote = vi.fn<NonNullable<SecretProvider['staging']>['promote']>(async (_path, receipt) => receipt)
    const { provider } = stagingStore({ value: 'v1', revision: 'a' })
    const secrets = createSecretsManager({ providers: [{ ...provider, staging: provider.staging && { ...provider.staging, promote } }] })
    await promoteSecret(secrets, 'db', { provider: 'store', revision: 'b' })
    expect(promote.mock.calls[0]?.[1]).toEqual({ version: undefined, revision: 'b' })
    expect((await refusal(promoteSecret(secrets, 'db', { provider: 'store', revision: 7 as never }))).code).toBe('INVALID_ARGUMENT')
  })

  it('is read at the field that the name is placed at', async () => {
    const store = stagingStore(
      { value: '{"user":"app","password":"v1"}', shape: 'map', version: 1 },
      { locate: () => ({ path: 'db', field: 'password' }) },
    )
    const secrets = createSecretsManager({ providers: [store.provider] })
    await stageSecret(secrets, 'db', canary)
    expect((await pendingSecret(secrets, 'db'))?.value.reveal()).toBe(canary)
  })
})

describe('staging', () => {
  it('passes no condition of a polluted prototype to the store', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const conditions: unknown[] = []
    const put: NonNullable<SecretProvider['staging']>['put'] = async (_path, { ifCurrent, version }) => {
      conditions.push(ifCurrent, version)
      return { version: 2, attempt: 2 }
    }
    const { staging } = store.provider
    const secrets = createSecretsManager({ providers: [{ ...store.provider, staging: staging && { ...staging, put } }] })
    Object.assign(Object.prototype, { ifCurrent: { version: 77 }, version: 77 })
    try {
      await stageSecret(secrets, 'db', 'v2')
    } finally {
      for (const member of ['ifCurrent', 'version']) Reflect.deleteProperty(Object.prototype, member)
    }
    expect(conditions).toEqual([undefined, undefined])
  })

  it('is audited with intent and outcome, and read as a read', async () => {
    const events: AuditEvent[] = []
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider], audit: recording(events) })
    const receipt = await stageSecret(secrets, 'db', canary, { actor: 'ana', requestId: 'r1' })
    await pendingSecret(secrets, 'db')
    await promoteSecret(secrets, 'db', receipt)
    await refusal(discardSecret(secrets, 'db', receipt))
    expect(events.map(({ phase, operation, version, code }) => [phase, operation, version, code])).toEqual([
      ['intent', 'stage', undefined, undefined],
      ['outcome', 'stage', 2, undefined],
      ['outcome', 'get', 2, undefined],
      ['intent', 'promote', undefined, undefined],
      ['outcome', 'promote', 2, undefined],
      ['intent', 'discard', undefined, undefined],
      ['outcome', 'discard', undefined, 'VERSION_CONFLICT'],
    ])
    expect(new Set(events.filter(({ phase }) => phase === 'outcome').map(({ provider }) => provider))).toEqual(new Set(['store']))
    expect(events[0]).toMatchObject({ actor: 'ana', requestId: 'r1' })
    expect(inspect(events, { depth: 9 })).not.toContain(canary)
  })

  it('invalidates the shared cache after a promotion, and not before', async () => {
    const invalidated: unknown[] = []
    const shared: SharedCache = {
      specificationVersion: 'v1',
      read: async () => ({ leaseToken: {} }),
      fill: async () => {},
      invalidate: async (path) => void invalidated.push(path),
    }
    const store = stagingStore({ value: 'v1', version: 1 }, { sharedAs: 's' })
    const secrets = createSecretsManager({ providers: [store.provider], cache: { shared } })
    const receipt = await stageSecret(secrets, 'db', canary)
    expect(invalidated).toEqual([])
    await promoteSecret(secrets, 'db', receipt)
    expect(invalidated).toEqual([{ sharedAs: 's', path: 'db', leastVersion: 2 }])
  })

  it('is UNSUPPORTED where the store has none, and nothing is pending there', async () => {
    const secrets = createSecretsManager({ providers: [{ ...other, get: async () => ({ value: 'v1' }) }] })
    expect(await refusal(stageSecret(secrets, 'db', canary))).toMatchObject({ code: 'UNSUPPORTED', provider: 'other' })
    expect(await pendingSecret(secrets, 'db')).toBeUndefined()
  })

  it('fails where an earlier provider cannot be asked', async () => {
    const silent = async (): Promise<never> => Promise.reject(new SecretsError('UNAVAILABLE', 'x'))
    const staging = { put: silent, get: silent, promote: silent, discard: silent }
    const probes = { ...other, name: 'silent', get: silent, staging }
    const secrets = createSecretsManager({ providers: [probes, stagingStore(undefined).provider] })
    expect((await refusal(pendingSecret(secrets, 'db'))).code).toBe('UNAVAILABLE')
  })

  it('refuses what it would misread', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const calls = [
      stageSecret(secrets, 'db', canary, { note: { by: 7 } as never }),
      stageSecret(secrets, 'db', canary, { nots: {} } as never),
      stageSecret(secrets, 'db', 7 as never),
      promoteSecret(secrets, 'db', { version: 2 } as never),
      discardSecret(secrets, 'db', undefined as never),
      pendingSecret(secrets, 'db', { actors: 'x' } as never),
    ]
    for (const call of calls) expect((await refusal(call)).code).toBe('INVALID_ARGUMENT')
    expect((await refusal(promoteSecret(secrets, 'db', { provider: 'nowhere' }))).code).toBe('CONFIGURATION')
    expect(store.calls['staging.put']).toBeUndefined()
  })

  it('shows no value in an error or a printed result', async () => {
    const store = stagingStore({ value: 'v1', version: 1 })
    const secrets = createSecretsManager({ providers: [store.provider] })
    const receipt = await stageSecret(secrets, 'db', canary)
    const error = await refusal(stageSecret(secrets, 'db', `${canary}-2`))
    const pending = await pendingSecret(secrets, 'db')
    expect(inspect([error, pending, receipt, secrets], { depth: 9, showHidden: true }) + JSON.stringify([error, pending])).not.toContain(
      canary,
    )
    await secrets.close()
    expect((await refusal(pendingSecret(secrets, 'db'))).code).toBe('ABORTED')
  })
})
