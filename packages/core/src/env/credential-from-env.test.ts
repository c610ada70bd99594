import { expect, it } from 'vitest'
import { credentialFromEnv } from './credential-from-env.ts'
import { environmentReader } from './environment-reader.ts'

it.each([
  [{}, undefined, []],
  [{ FINCHAT_OWN_TOKEN: '' }, undefined, []],
  [{ FINCHAT_OWN_TOKEN: 'canary' }, 'canary', []],
  [{ FINCHAT_OWN_TOKEN: 'canary\r\n' }, 'canary', []],
  [{ FINCHAT_OWN_TOKEN_FILE: '/run/token' }, { file: '/run/token' }, []],
  [
    { FINCHAT_OWN_TOKEN: 'canary', FINCHAT_OWN_TOKEN_FILE: '/run/token' },
    { file: '/run/token' },
    ['set either FINCHAT_OWN_TOKEN or FINCHAT_OWN_TOKEN_FILE'],
  ],
])('of %j is %j, with the problems %j', (env, credential, expected) => {
  const problems: string[] = []
  const reader = environmentReader(env, (problem) => problems.push(problem))
  expect(credentialFromEnv(reader, 'FINCHAT_OWN_TOKEN')).toEqual(credential)
  expect(problems).toEqual(expected)
})
