import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { rowsFor } from './find-rule.ts'
import { rowsOf } from './rule-rows.ts'

const rows = rowsOf(readFileSync(new URL('../docs/where-rules-live.md', import.meta.url), 'utf8'))

describe('a question in plain words finds the file of the rule', () => {
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
    ['how often does a watch look for a change', 'packages/core/src/live/look-timer.ts'],
  ])('%s', (question, path) => {
    const found = rowsFor(question, rows).slice(0, 3)
    expect(found.map((row) => row.path)).toContain(path)
  })

  test('words that no row has find nothing', () => {
    expect(rowsFor('where would you change the zyzzogeton', rows)).toEqual([])
  })

  test('a row is found by its headings, its symbols and its file', () => {
    const [row] = rowsOf('## vault\n\n### Logins\n\n| pauses | `packages/x/src/back-off.ts` | `mostRefusals` |')
    expect(row).toEqual({
      line: 5,
      headings: 'vault Logins',
      rule: 'pauses',
      path: 'packages/x/src/back-off.ts',
      symbols: ['mostRefusals'],
    })
    for (const word of ['Vault', 'login', 'pause', 'off', 'refusal']) expect(rowsFor(word, row ? [row] : [])).toEqual([row])
  })
})
