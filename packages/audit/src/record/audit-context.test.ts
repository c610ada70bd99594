import { SecretsError } from '@finchat/secrets-core'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it } from 'vitest'
import { currentContext, withAuditContext } from './audit-context.ts'

describe('the audit context', () => {
  it('goes where its calls go, and ends with them', async () => {
    const seen = withAuditContext({ actor: 'webapp', requestId: 'r-1' }, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return currentContext()
    })
    expect(currentContext()).toBeUndefined()
    expect(await seen).toEqual({ actor: 'webapp', requestId: 'r-1' })
  })

  it('adds an inner one to the outer one', () => {
    const seen = withAuditContext({ actor: 'webapp' }, () => withAuditContext({ requestId: 'r-2' }, currentContext))
    expect(seen).toEqual({ actor: 'webapp', requestId: 'r-2' })
  })

  it('refuses what is no context', () => {
    // @ts-expect-error what a caller without types may write
    const misspelt = (): unknown => withAuditContext({ actorr: 'webapp' }, () => 1)
    expect(misspelt).toThrow(SecretsError)
    expect(misspelt).toThrow(/actorr/)
  })

  it('refuses a promise in the place of a function: its calls were made outside the context', () => {
    // @ts-expect-error what a caller without types may write
    expect(() => withAuditContext({ actor: 'webapp' }, Promise.resolve())).toThrow(/not a function \(pass \(\) =>/)
  })

  it('does not show what it refuses', () => {
    // @ts-expect-error what a caller without types may write
    const failure = thrownBy(() => withAuditContext({ actor: { token: 'canary-of-a-value' } }, () => 1))
    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(leaksOf(failure, 'canary-of-a-value')).toEqual([])
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
