import { describe, expect, test } from 'vitest'
import { readFiles } from './files.ts'
import { ruleFinder } from './find-rule.ts'
import { repository } from './fixture.ts'
import { page, rowsOf } from './rule-rows.ts'

describe('a question in plain words finds the file of the rule', () => {
  const find = ruleFinder(readFiles())

  test.each([
    ['how long may a stale value be served in an outage', 'packages/core/src/cache/freshness.ts'],
    ['how many bytes may a secret value have before it is refused by AWS', 'packages/provider-aws/src/model/limits.ts'],
    ['which characters may the name of a secret have', 'packages/core/src/chain/names.ts'],
    ['how is the encryption key of the local store replaced', 'packages/provider-local/src/operations/maintenance.ts'],
    ['which error names of AWS mean access denied', 'packages/provider-aws/src/errors/aws-errors.ts'],
    ['is a pending version finished or discarded by a rotator', 'packages/rotation/src/engine/finish.ts'],
    ['when is checkHealth not ok', 'packages/core/src/manager/health.ts'],
    ['many callers ask for one read at once', 'packages/core/src/cache/single-flight.ts'],
    ['in which order are the providers of a chain asked', 'packages/core/src/chain/routing.ts'],
    ['how long before its end is a Vault token renewed', 'packages/provider-vault/src/shared/renewal-time.ts'],
    ['when does the audit trail begin a new segment', 'packages/audit/src/file/segment-rotation.ts'],
    ['how `loadSecrets` says that three secrets are missing', 'packages/core/src/errors/aggregate-error.ts'],
    ['how is the database of the local store opened', 'packages/provider-local/src/sqlite/connection.ts'],
    ['a generated password has no bias', 'packages/rotation/src/generate/unbiased.ts'],
  ])('%s', (question, path) => {
    expect(find(question).slice(0, 3)).toContain(path)
  })
})

describe('a source is found', () => {
  const path = 'packages/x/src/pauses/back-off.ts'
  const source =
    "/** Delays a login. */\nexport function waitLonger() {}\nclass Gate {\n  #openAgain() {}\n}\nthrow new Error('too hasty for us')\n"
  const beside = "zyzzogeton()\nit('frowns upon hurry', () => {})\n"
  const row = `## vault\n\n### Quarantine\n\n| lock-out | \`${path}\` | \`mostRefusals\` |\n`
  const find = ruleFinder(repository({ [page]: row, [path]: source, 'packages/x/src/pauses/back-off.test.ts': beside }))

  test.each(['quarantine', 'lock-out', 'refusal', 'pause', 'logins', 'longer', 'gates', 'opening', 'hasty', 'frowning'])(
    'by the word %s',
    (word) => {
      expect(find(`where would you change the ${word}?`)).toEqual([path])
    },
  )

  test.each(['zyzzogeton', 'where would you change the', ''])('not by %j, which it does not have or which tells nothing', (question) => {
    expect(find(question)).toEqual([])
  })
})

test('a row has its line, headings, rule, file and symbols', () => {
  expect(rowsOf('## vault\n\n### Logins\n\n| pauses | `packages/x/src/a.ts` | `most`, `#wait` |\n\n## aws')).toEqual([
    { line: 5, headings: 'vault Logins', rule: 'pauses', path: 'packages/x/src/a.ts', symbols: ['most', '#wait'] },
  ])
})
