import { describe, expect, it } from 'vitest'
import { createSecretsManager } from '../manager/create-manager.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import { addRotationReport } from '../staging.ts'
import { failureOf, refusal } from '../testing/refusal.ts'

const store = { specificationVersion: 'v1' as const, name: 'store', get: async () => undefined }
const manager = (): SecretsManager => createSecretsManager({ providers: [store] })

describe('a report of rotations', () => {
  it('is in checkHealth of its manager and of copies, until it is taken out', async () => {
    const [secrets, other] = [manager(), manager()]
    const end = addRotationReport({ ...secrets }, async () => ({ db: { status: 'overdue', overdueAt: 7 } }))
    expect(await secrets.checkHealth()).toMatchObject({ ok: true, rotations: { db: { status: 'overdue', overdueAt: 7 } } })
    expect((await other.checkHealth()).rotations).toBeUndefined()
    end()
    expect((await secrets.checkHealth()).rotations).toBeUndefined()
  })

  it('hears of close()', async () => {
    const secrets = manager()
    let signal: AbortSignal | undefined
    addRotationReport(secrets, async (given) => ((signal = given), {}))
    await secrets.checkHealth()
    await secrets.close()
    expect(signal?.aborted).toBe(true)
    expect((await refusal(secrets.checkHealth())).code).toBe('ABORTED')
  })

  it('is INVALID_ARGUMENT for what is no manager or no function', () => {
    const codes = [() => addRotationReport({} as never, async () => ({})), () => addRotationReport(manager(), {} as never)].map(
      (call) => failureOf(call).code,
    )
    expect(codes).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT'])
  })
})
