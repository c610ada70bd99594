import { expect, it } from 'vitest'
import { nearest } from '../errors/nearest.ts'
import { nearestInGroup } from './nearest-variable.ts'

const vault = ['FINCHAT_VAULT_URL', 'FINCHAT_VAULT_TOKEN', 'FINCHAT_VAULT_NAMES', 'FINCHAT_VAULT_PREFIX', 'FINCHAT_VAULT_ONLY_NAMED']
const local = ['FINCHAT_ENCRYPTION_KEY', 'FINCHAT_LOCAL_PATH', 'FINCHAT_LOCAL_KEEP_VERSIONS', 'FINCHAT_LOCAL_MUST_EXIST']
const secrets = ['FINCHAT_SECRETS_PROVIDER', 'FINCHAT_SECRETS_FALLBACKS', 'FINCHAT_SECRETS_CACHE_TTL']

it.each([
  ['FINCHAT_VAULT_ADDR', vault, 'FINCHAT_VAULT_URL'],
  ['FINCHAT_VAULT_ADDRESS', vault, 'FINCHAT_VAULT_URL'],
  ['FINCHAT_VAULT_URI', vault, 'FINCHAT_VAULT_URL'],
  ['FINCHAT_VAULT_TOKN', vault, 'FINCHAT_VAULT_TOKEN'],
  ['FINCHAT_VAULT_NAMED', vault, 'FINCHAT_VAULT_NAMES'],
  ['FINCHAT_VAULT_ONLY', vault, 'FINCHAT_VAULT_ONLY_NAMED'],
  ['FINCHAT_vault_url', vault, 'FINCHAT_VAULT_URL'],
  ['FINCHAT_VAULT_ROLE', vault, undefined],
  ['FINCHAT_LOCAL_KEY', local, 'FINCHAT_ENCRYPTION_KEY'],
  ['FINCHAT_LOCAL_FILE', local, 'FINCHAT_LOCAL_PATH'],
  ['FINCHAT_LOCAL_VERSIONS', local, 'FINCHAT_LOCAL_KEEP_VERSIONS'],
  ['FINCHAT_SECRETS_PROVIDERS', secrets, 'FINCHAT_SECRETS_PROVIDER'],
  ['FINCHAT_SECRETS_CACHE_TTL_SECONDS', secrets, 'FINCHAT_SECRETS_CACHE_TTL'],
])('%s means %3$s', (variable, known, meant) => {
  expect(nearestInGroup(variable, known)).toBe(meant)
})

it('the fewest letters decide, up to two', () => {
  expect(nearest('FINCHAT_A_ONE', ['FINCHAT_A_TONS', 'FINCHAT_A_ONES'])).toBe('FINCHAT_A_ONES')
  expect(nearest('FINCHAT_A_ON', ['FINCHAT_A_ONES'])).toBe('FINCHAT_A_ONES')
  expect(nearest('FINCHAT_A_O', ['FINCHAT_A_ONES'])).toBe(undefined)
  expect(nearest('FINCHAT_TOKEN', ['FINCHAT_VAULT_TOKEN'])).toBe(undefined)
})
