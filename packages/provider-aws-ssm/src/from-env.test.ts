import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { ssmFromEnv } from './from-env.ts'

function problems(env: Record<string, string>): string {
  try {
    void secretsManagerFromEnv({ ssm: ssmFromEnv }, { env: { FINCHAT_SECRETS_PROVIDER: 'ssm', ...env } }).close()
  } catch (error) {
    return String(error)
  }
  return 'none'
}

test('the variables place names and need nothing else', () => {
  expect(problems({})).toBe('none')
  expect(problems({ FINCHAT_SSM_REGION: 'eu-west-1', FINCHAT_SSM_NAMES: 'FINCHAT_TOKEN=/prod/token#token,DB=/prod/db' })).toBe('none')
  const provider = ssmFromEnv({
    optional: () => 'eu-west-1',
    required: () => '',
    names: (variable) => (variable === 'FINCHAT_SSM_NAMES' ? { DB: '/prod/db' } : {}),
    problem: () => {},
  })
  expect([provider.name, provider.locate('DB')]).toEqual(['ssm', { path: '/prod/db' }])
})

test('what is wrong with them is one error, with the variables and without what they hold', () => {
  expect(problems({ FINCHAT_SSM_REGION: 'eu-west1' })).toMatch(/FINCHAT_SSM_REGION is not a region/)
  const told = problems({ FINCHAT_SSM_REGION: 'c4n4ry of a secret', FINCHAT_SSM_NAMES: 'c4n4ry' })
  expect(told).toMatch(/FINCHAT_SSM_REGION is not a region/)
  expect(told).toMatch(/FINCHAT_SSM_NAMES: entry 1/)
  expect(told).not.toContain('c4n4ry')
  const misplaced = problems({ FINCHAT_SSM_NAMES: 'DB=c4n4ry/of a secret' })
  expect(misplaced).toMatch(/at a path that this store cannot hold/)
  expect(misplaced).not.toContain('c4n4ry')
  expect(problems({ FINCHAT_SSM_PREFIX: 'prod/' })).toMatch(/FINCHAT_SSM_PREFIX is malformed, or this store can hold no name behind it/)
})
