import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CommandError, failureOf } from './failure.ts'
import { asCalled, inCommands } from './in-commands.ts'
import { SecretsError } from '@finchat/secrets-core'

/** What a command stands for, and options that no configuration file has: a person at a terminal has the command. */
const functions =
  /\b((init|hold|release|prune)AuditFolder|verifyAuditTrail|copyAuditTrail|(store|rotate|delete|restore|tag|verify)Secret|generateKey|rotationStatus|retirePrevious|rotateDue)\b|`(checkpoint|checkpointKey|pruneKey|field|force|whenUnused|keys|timeoutMs)`/

const packages = ['audit', 'core', 'rotation', 'provider-*']
const root = new URL('../../../', import.meta.url).pathname

/** Texts of errors in the sources: a literal of several words, where no line of a comment stands. */
const sources = globSync(packages.map((name) => `${root}${name}/src/**/*.ts`))
  .filter((path) => !/\.test\.ts$|\/testing\//.test(path))
  .map((path) => readFileSync(path, 'utf8'))
const texts = sources
  .flatMap((source) => source.split('\n'))
  .filter((line) => !/^\s*(\*|\/\*\*|\/\/|import|export \{)/.test(line))
  .flatMap((line) => [...line.matchAll(/'((?:[^'\\]|\\.)* (?:[^'\\]|\\.)*)'|`((?:[^`\\$]|\\.|\$\{[^}]*\})* [^`]*)`(?=[,\s)])/g)])
  .flatMap(([, quoted, template]) => quoted ?? template ?? [])

/** What only a program can do wrong: its arguments. */
const ofPrograms =
  /^(pass|has no such|give 32 random bytes|make one of)\b|is (given without|neither)|secretsManagerFromEnv|the id that|`keys` (alone|is not)/

describe('the text of an error', () => {
  const named = texts.filter((text) => functions.test(text) && !ofPrograms.test(text))

  it('of a package names functions, which this test finds', () => {
    expect(named.length).toBeGreaterThan(8)
    expect(named).toContain('end each hold by releaseAuditFolder, once it is over')
  })

  it.each(named)('says the command for a function: %s', (text) => {
    expect(inCommands(text)).not.toMatch(functions)
  })

  it.each([
    ['PostgreSQL refused the password of the client that `connect` returned', 'PostgreSQL refused the password of `administrator`, which'],
    ['correct `database` of the client', 'correct "database" of the target'],
    [
      'check that it can be reached, and that the client from `connect` or `login` has a password',
      'the "password" of the target is not empty',
    ],
    ['give the manager a keyvCache with a `client`, and the provider `sharedAs`', 'usage marks need a shared cache'],
    ['nor `off` (Redis), that `apply` and `test` concern the same one', 'nor `off` (Redis)'],
  ])('of a target says what the configuration file has: %s', (text, shown) => {
    expect(sources.some((source) => source.includes(text))).toBe(true)
    expect(inCommands(text)).toContain(shown)
  })

  it('is reworded wherever a command fails, in both lines', () => {
    const error = new SecretsError('UNSUPPORTED', 'which verifySecret does not compare', { remedy: 'or pass force: true' })
    const { why, remedy } = failureOf(new CommandError('nothing', error))
    expect([why, remedy]).toEqual(['which `finchat-secrets verify` does not compare (UNSUPPORTED)', 'or pass --force'])
  })
})

const byNpx = { npm_lifecycle_event: 'npx' }

describe('asCalled', () => {
  it.each([
    ['finchat-secrets check', 'npx --no finchat-secrets check'],
    ['see `finchat-secrets list` for names', 'see `npx --no finchat-secrets list` for names'],
    ['see finchat-secrets --help', 'see npx --no finchat-secrets --help'],
    ['see that the store suffices: finchat-secrets check', 'see that the store suffices: npx --no finchat-secrets check'],
  ])('puts npx in front of a command: %s', (text, called) => {
    expect(asCalled(text, byNpx)).toBe(called)
  })

  it.each([
    'npx --no finchat-secrets check',
    'correct finchat-secrets.config.json',
    'node_modules/.bin/finchat-secrets run',
    'npm install @acme/finchat-secrets x',
    'FINCHAT_SECRETS_PROVIDER=env',
  ])('leaves what is no command on the path: %s', (text) => {
    expect(asCalled(text, byNpx)).toBe(text)
  })

  it.each([{}, { npm_lifecycle_event: 'start' }])('leaves commands where npx did not start the program: %j', (env) => {
    expect(asCalled('finchat-secrets check', env)).toBe('finchat-secrets check')
  })
})
