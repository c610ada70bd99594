import { describe, expect, test } from 'vitest'
import { asCalled } from './as-called.ts'

const byNpx = { npm_lifecycle_event: 'npx' }

describe('asCalled', () => {
  test.each([
    ['finchat-secrets check', 'npx --no finchat-secrets check'],
    ['see `finchat-secrets list` for names', 'see `npx --no finchat-secrets list` for names'],
    ['see finchat-secrets --help', 'see npx --no finchat-secrets --help'],
    ['see that the store suffices: finchat-secrets check', 'see that the store suffices: npx --no finchat-secrets check'],
  ])('puts npx in front of a command: %s', (text, called) => {
    expect(asCalled(text, byNpx)).toBe(called)
  })

  test.each([
    'npx --no finchat-secrets check',
    'correct finchat-secrets.config.json',
    'node_modules/.bin/finchat-secrets run',
    'npm install @acme/finchat-secrets x',
    'FINCHAT_SECRETS_PROVIDER=env',
  ])('leaves what is no command on the path: %s', (text) => {
    expect(asCalled(text, byNpx)).toBe(text)
  })

  test.each([{}, { npm_lifecycle_event: 'start' }])('leaves commands where npx did not start the program: %j', (env) => {
    expect(asCalled('finchat-secrets check', env)).toBe('finchat-secrets check')
  })
})
