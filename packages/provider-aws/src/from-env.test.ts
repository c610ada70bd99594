import { secretsManagerFromEnv } from '@finchat/secrets-core'
import { expect, test } from 'vitest'
import { awsFromEnv } from './from-env.ts'

function problems(env: Record<string, string>): string {
  try {
    void secretsManagerFromEnv({ aws: awsFromEnv }, { env: { FINCHAT_SECRETS_PROVIDER: 'aws', ...env } }).close()
  } catch (error) {
    return String(error)
  }
  return 'none'
}

test('the variables place names and need nothing else', () => {
  expect(problems({})).toBe('none')
  expect(problems({ FINCHAT_AWS_REGION: 'eu-west-1', FINCHAT_AWS_NAMES: 'FINCHAT_TOKEN=finchat/token#token,DB=prod/db' })).toBe('none')
  const provider = awsFromEnv({
    optional: () => 'eu-west-1',
    required: () => '',
    names: (variable) => (variable === 'FINCHAT_AWS_NAMES' ? { DB: 'prod/db' } : {}),
    problem: () => {},
  })
  expect(provider.locate('DB')).toEqual({ path: 'prod/db' })
})

test('what is wrong with them is one error, with the variables and without what they hold', () => {
  expect(problems({ FINCHAT_AWS_REGION: 'eu-west1' })).toMatch(/FINCHAT_AWS_REGION is not a region/)
  const told = problems({ FINCHAT_AWS_REGION: 'c4n4ry of a secret', FINCHAT_AWS_NAMES: 'c4n4ry' })
  expect(told).toMatch(/FINCHAT_AWS_REGION is not a region/)
  expect(told).toMatch(/FINCHAT_AWS_NAMES: entry 1/)
  expect(told).not.toContain('c4n4ry')
  expect(problems({ FINCHAT_AWS_REGION: 'eu-west-1', FINCHAT_AWS_NAMES: 'DB=no such path!' })).toMatch(
    /at a path that this store cannot hold/,
  )
})
