import { afterEach, expect, it, vi } from 'vitest'
import { Outage } from './outage.ts'

afterEach(() => vi.restoreAllMocks())

it('warns once for each outage of a provider', () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const aws = new Outage('aws')
  const vault = new Outage('vault')
  for (let count = 0; count < 3; count += 1) aws.began('UNAVAILABLE')
  vault.began('DEADLINE_EXCEEDED')
  aws.ended()
  aws.ended()
  aws.began('RATE_LIMITED')
  expect(warnings.mock.calls.map(([text]) => text)).toEqual([
    "Secrets provider 'aws' cannot be asked (UNAVAILABLE): answers are stale or come from a later provider",
    "Secrets provider 'vault' cannot be asked (DEADLINE_EXCEEDED): answers are stale or come from a later provider",
    "Secrets provider 'aws' cannot be asked (RATE_LIMITED): answers are stale or come from a later provider",
  ])
  expect(warnings.mock.calls[0]?.[1]).toEqual({ type: 'SecretsWarning', code: 'FINCHAT_SECRETS_DEGRADED' })
})
