import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../contract/audit.ts'
import type { SecretProvider } from '../../contract/provider.ts'
import { SecretsError } from '../../errors/secrets-error.ts'
import { createSecretsManager } from '../../manager/create-manager.ts'
import { partsOf } from '../../manager/parts.ts'
import { refusal } from '../../testing/refusal.ts'
import { type Probed, probeCurrent, readCurrent } from './current.ts'

const store: SecretProvider = { specificationVersion: 'v1', name: 'store', get: async () => ({ value: 'v1', version: 1 }) }

function probed(...providers: SecretProvider[]): Promise<Probed | undefined> {
  const parts = partsOf(createSecretsManager({ providers }))
  return probeCurrent(parts, parts.locate('db'))
}

describe('a probe of the chain', () => {
  const identity = { provider: 'store', version: 7, revision: undefined, degraded: false }

  it('asks a store by its probe, or else by its description', async () => {
    const describes: SecretProvider = { ...store, describe: async () => ({ version: 7 }) }
    const probes: SecretProvider = { ...describes, probe: async () => ({ version: 8 }) }
    expect([await probed(describes), await probed(probes)]).toEqual([identity, { ...identity, version: 8 }])
  })

  it('asks for the description where the probe is not supported at this path, and fails otherwise', async () => {
    const fails = (code: 'UNSUPPORTED' | 'PERMISSION_DENIED'): SecretProvider => ({
      ...store,
      describe: async () => ({ version: 7 }),
      probe: () => Promise.reject(new SecretsError(code, 'no')),
    })
    expect(await probed(fails('UNSUPPORTED'))).toEqual(identity)
    expect((await refusal(probed(fails('PERMISSION_DENIED')))).code).toBe('PERMISSION_DENIED')
  })

  it('tells nothing if one of its stores can only be read', async () => {
    const empty: SecretProvider = { ...store, name: 'empty', get: async () => undefined, probe: async () => undefined }
    expect(await probed(empty, store)).toBeUndefined()
    expect(await probed({ ...empty, probe: async () => ({ version: 7 }) }, store)).toBeUndefined()
  })

  it('tells nothing of a lease, or of a version without identity', async () => {
    expect(await probed({ ...store, describe: async () => ({ version: 7, exclusive: true }) })).toBeUndefined()
    expect(await probed({ ...store, describe: async () => ({}) })).toBeUndefined()
  })
})

describe('a read of a watch', () => {
  it('is audited as a read, which has no effect', async () => {
    const events: AuditEvent[] = []
    const audit = { specificationVersion: 'v1' as const, record: async (event: AuditEvent) => void events.push(event) }
    const parts = partsOf(createSecretsManager({ providers: [store], audit }))
    await readCurrent(parts, parts.locate('db'))
    expect(events.map(({ operation, phase }) => [operation, phase])).toEqual([['get', 'outcome']])
  })
})
