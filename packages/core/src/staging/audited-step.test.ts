import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { AuditEvent, AuditTrail } from '../contract/audit.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { createSecretsManager } from '../manager/create-manager.ts'
import { auditedStep } from '../staging.ts'
import { refusal } from '../testing/refusal.ts'
import { stagingStore } from '../testing/staging-store.ts'

const canary = 'canary-81ac'
const providers = [stagingStore({ value: 'v1', version: 1 }).provider]

function recording(events: AuditEvent[], fails = false): AuditTrail {
  return {
    specificationVersion: 'v1',
    record: async (event) => {
      if (fails) throw new SecretsError('UNAVAILABLE', 'no disk')
      events.push(event)
    },
  }
}

describe('an audited step', () => {
  it('is recorded before it runs and after it has ended', async () => {
    const events: AuditEvent[] = []
    const secrets = createSecretsManager({ providers, audit: recording(events) })
    const step = { operation: 'apply', name: 'db', provider: 'store', version: 2 }
    const run = async (): Promise<unknown> => events.map(({ phase }) => phase)
    expect(await auditedStep(secrets, step, { actor: 'ana', requestId: 'r1' }, run)).toEqual(['intent'])
    expect(events[1]).toMatchObject({ phase: 'outcome', outcome: 'ok', operation: 'apply', version: 2, provider: 'store', actor: 'ana', requestId: 'r1' })
  })

  it('that is read-only has an outcome alone', async () => {
    const events: AuditEvent[] = []
    const secrets = createSecretsManager({ providers, audit: recording(events) })
    await auditedStep(secrets, { operation: 'test', name: 'db', readOnly: true }, {}, async () => {})
    expect(events.map(({ phase }) => phase)).toEqual(['outcome'])
  })

  it('does not run if its intent is not acknowledged', async () => {
    const secrets = createSecretsManager({ providers, audit: recording([], true) })
    let ran = false
    const failure = await refusal(auditedStep(secrets, { operation: 'apply', name: 'db' }, {}, async () => void (ran = true)))
    expect([failure.code, ran]).toEqual(['AUDIT_FAILED', false])
  })

  it('rejects as it failed, with the name of the secret', async () => {
    const events: AuditEvent[] = []
    const secrets = createSecretsManager({ providers, audit: recording(events) })
    const conflict = async (): Promise<never> => Promise.reject(new SecretsError('VERSION_CONFLICT', 'a later attempt was here'))
    expect(await refusal(auditedStep(secrets, { operation: 'apply', name: 'db' }, {}, conflict))).toMatchObject({ code: 'VERSION_CONFLICT', secret: 'db' })
    expect(events[1]).toMatchObject({ outcome: 'error', code: 'VERSION_CONFLICT' })
    const foreign = async (): Promise<never> => Promise.reject(new Error(canary, { cause: canary }))
    const failure = await refusal(auditedStep(secrets, { operation: 'apply', name: 'db' }, {}, foreign))
    expect(failure.code).toBe('INTERNAL')
    expect(inspect([failure, events], { depth: 9, showHidden: true })).not.toContain(canary)
  })

  it('gets the signal of the caller, or that of close()', async () => {
    const secrets = createSecretsManager({ providers })
    const { signal } = new AbortController()
    const signalOf = (call: object): Promise<AbortSignal> =>
      auditedStep(secrets, { operation: 'apply', name: 'db' }, call, async (context) => context.signal)
    expect(await signalOf({ signal })).toBe(signal)
    const closing = await signalOf({})
    await secrets.close()
    expect(closing.aborted).toBe(true)
    expect((await refusal(signalOf({}))).code).toBe('ABORTED')
  })

  it('refuses what it would misread', async () => {
    const secrets = createSecretsManager({ providers })
    const run = async (): Promise<void> => {}
    for (const [step, call] of [
      [{ operation: 'two words', name: 'db' }, {}],
      [{ operation: 7, name: 'db' }, {}],
      [{ operation: 'apply', name: '' }, {}],
      [{ operation: 'apply', name: 'db' }, { actors: 'x' }],
    ])
      expect((await refusal(auditedStep(secrets, step as never, call as never, run))).code).toBe('INVALID_ARGUMENT')
  })
})
