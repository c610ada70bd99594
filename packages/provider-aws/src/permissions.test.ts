import { readFileSync } from 'node:fs'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import type { AwsProvider } from './aws-provider.ts'
import { context, useAws } from './testing/aws-trial.ts'

/** The table of docs/aws.md: for each use the actions to allow, beside those that reading needs. */
function printedTable(): ReadonlyMap<string, ReadonlySet<string>> {
  const guide = readFileSync(new URL('../../../docs/aws.md', import.meta.url), 'utf8')
  const [, section = ''] = /\n## IAM\n(.*?)\n## /s.exec(guide) ?? []
  const rows = [...section.matchAll(/^\| (.*?) +\| (.*?) +\|$/gm)].map(([, use = '', allow = '']) => [use, actionsIn(allow)] as const)
  return new Map([['reading', actionsIn(section.slice(0, section.indexOf('|')).replaceAll(/"secretsmanager:(\w+)"/g, '`$1`'))], ...rows])
}

function actionsIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/`([A-Z]\w+)`/g)].map(([, action = '']) => action))
}

const table = printedTable()
const reading = [...(table.get('reading') ?? [])]

describeWithServer('moto', 'what the guide says to allow is enough, and is needed', () => {
  const aws = useAws()

  /** What is done with each use, on a secret `db` of two versions. */
  const uses: Readonly<Record<string, (secrets: SecretsManager, provider: AwsProvider) => Promise<unknown>>> = {
    reading: async (secrets) => {
      await secrets.getSecrets(['db', 'other'])
      expect(await secrets.getSecret('db', { version: 1 })).toBe('one')
      expect(await secrets.verifySecret('db', 'one', { acceptPreviousForSeconds: 3_600 })).toBe(true)
    },
    '`describeSecret`': async (secrets) => {
      expect(await secrets.describeSecret('db')).toMatchObject({ version: 2, currentSince: expect.any(Number) })
    },
    'a probe, as in a watch': async (_, provider) => {
      expect(await provider.probe('db', context)).toMatchObject({ version: 2 })
    },
    '`listSecrets`': async (secrets) => {
      const paths: string[] = []
      for await (const { path } of secrets.listSecrets()) paths.push(path)
      expect(paths).toEqual(['db', 'other'])
    },
    '`storeSecret`, `rotateSecret`': async (secrets) => {
      expect(await secrets.storeSecret('new', 'one')).toMatchObject({ version: 1 })
      expect(await secrets.rotateSecret('db', 'three')).toMatchObject({ version: 3 })
      expect(await secrets.storeSecret('db', '{"a":"b"}')).toMatchObject({ version: 4 })
      expect(await secrets.storeSecret('db', 'c', { field: 'a' })).toMatchObject({ version: 5 })
    },
    '`staging`': async (_, { staging }) => {
      for (const path of ['db', 'new']) {
        await staging.discard(path, await staging.put(path, { value: 'three' }, context), context)
        const pending = await staging.put(path, { value: 'four', note: { by: 'me' } }, context)
        expect(await staging.get(path, context)).toMatchObject({ value: 'four', note: { by: 'me' } })
        await staging.promote(path, pending, context)
      }
    },
    '`tagSecret`': async (secrets) => {
      await secrets.tagSecret('db', { team: 'pay' })
      await secrets.tagSecret('db', { team: null })
    },
    '`deleteSecret`, `restoreSecret`': async (secrets) => {
      await secrets.deleteSecret('db')
      await secrets.restoreSecret('db')
      await secrets.deleteSecret('db', { purge: true })
    },
    '`startManagedRotation`': async (_, provider) => {
      expect(await provider.startManagedRotation('db')).toEqual({ revision: 'id' })
    },
    '`checkHealth`': async (secrets) => {
      expect(await secrets.checkHealth()).toMatchObject({ ok: true })
    },
  }
  const notTried = ['for', '---', 'a key of your own']

  test('every row is tried', () => {
    const printed = [...table.keys()].filter((use) => !notTried.some((each) => use.startsWith(each)))
    expect(printed).toEqual(Object.keys(uses))
    expect(reading).toEqual(['GetSecretValue', 'BatchGetSecretValue'])
  })

  test.each(Object.entries(uses))('for %s', async (use, run) => {
    const seeder = aws.provider()
    for (const [path, value] of [
      ['db', 'one'],
      ['db', 'two'],
      ['other', 'x'],
    ] as const)
      await seeder.put(path, { value }, { signal: new AbortController().signal })
    const before = aws.stub().requests().length
    const printed = [...(table.get(use) ?? [])]
    const allowed = new Set([...reading, ...printed])
    // moto cannot begin a rotation without a function for it.
    const rotation = { json: { ARN: 'arn', Name: 'db', VersionId: 'id' } }
    aws.stub().plan(({ action }) => {
      if (!allowed.has(action)) return { error: 'AccessDeniedException' }
      return action === 'RotateSecret' ? rotation : 'pass'
    })
    const provider = aws.provider()
    await run(createSecretsManager({ providers: [provider], cache: { ttlSeconds: 0 } }), provider)
    const asked = new Set(
      aws
        .stub()
        .requests()
        .slice(before)
        .map(({ action }) => action),
    )
    expect([...asked]).toEqual(expect.arrayContaining(printed))
    // As the README says below the table, and of `checkHealth` in its row.
    const tolerated = new Set(['ListSecretVersionIds', 'GetRandomPassword'])
    expect([...asked].filter((action) => !allowed.has(action) && !tolerated.has(action))).toEqual([])
  })
})
