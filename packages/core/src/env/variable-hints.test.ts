import { expect, it } from 'vitest'
import { hintsOf, inVariables } from './variable-hints.ts'

it('advises to ask for fewer names where a store denies some, not where one file holds all', () => {
  const asked = (store: string): string[] => [`FINCHAT_${store}_NAMES`, `FINCHAT_${store}_ONLY_NAMED`]
  const stores = ['vault', 'mounted', 'local', 'sops'].map((provider) => ({ provider, asked: asked(provider.toUpperCase()) }))
  const { denied } = hintsOf(stores)
  expect(denied('vault')).toBe('FINCHAT_VAULT_ONLY_NAMED=true asks vault for nothing but FINCHAT_VAULT_NAMES')
  expect(denied('mounted')).toContain('FINCHAT_MOUNTED_NAMES')
  expect([denied('local'), denied('sops'), denied('other')]).toEqual([undefined, undefined, undefined])
})

it('names the variable of an option, not a longer one that ends alike, in whatever order they were read', () => {
  const variables = ['FINCHAT_AGE_IDENTITY_FILE', 'FINCHAT_AGE_FILE', 'FINCHAT_AGE_ONLY_NAMED', 'NPM_CONFIG_FORMAT']
  for (const asked of [variables, variables.toReversed()])
    expect(inVariables('correct `file`, `onlyNamed` or `format`', { asked })).toBe(
      'correct FINCHAT_AGE_FILE, FINCHAT_AGE_ONLY_NAMED or `format`',
    )
})
