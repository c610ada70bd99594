import { expect, it } from 'vitest'
import { inVariables } from './variable-hints.ts'

it('names the variable of an option, not a longer one that ends alike, in whatever order they were read', () => {
  const variables = ['FINCHAT_AGE_IDENTITY_FILE', 'FINCHAT_AGE_FILE', 'FINCHAT_AGE_ONLY_NAMED', 'NPM_CONFIG_FORMAT']
  for (const asked of [variables, variables.toReversed()])
    expect(inVariables('correct `file`, `onlyNamed` or `format`', { asked })).toBe(
      'correct FINCHAT_AGE_FILE, FINCHAT_AGE_ONLY_NAMED or `format`',
    )
})
