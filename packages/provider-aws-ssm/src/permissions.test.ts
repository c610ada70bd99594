import { readFileSync } from 'node:fs'
import { createSecretsManager, type SecretsManager } from '@finchat/secrets-core'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { expect, test } from 'vitest'
import { context, seed, useSsm } from './testing/ssm-trial.ts'
import type { SsmProvider } from './ssm-provider.ts'

/** The README's policy for reading, and its table: for each use the actions to allow besides. */
const [, section = ''] = /\n## IAM\n(.*?)\n## /s.exec(readFileSync(new URL('../README.md', import.meta.url), 'utf8')) ?? []
const reading = actionsIn(section.slice(0, section.indexOf('\n|')))
const table = new Map([...section.matchAll(/^\| (.*?) +\| (.*?) +\|$/gm)].map(([, use = '', allow = '']) => [use, actionsIn(allow)]))

function actionsIn(text: string): readonly string[] {
  return [...text.matchAll(/ssm:([A-Z]\w+)/g)].map(([, action = '']) => action)
}

describeWithServer('moto', 'what the README says to allow is enough, and is needed', () => {
  const ssm = useSsm()

  /** What is done with each use, on a secret `db` of two versions. */
  const uses: Readonly<Record<string, (secrets: SecretsManager, provider: SsmProvider) => Promise<unknown>>> = {
    'versions of a description': async (secrets) => {
      expect((await secrets.describeSecret('db'))?.versions).toHaveLength(2)
    },
    'tags of a description': async (secrets) => {
      expect(await secrets.describeSecret('db')).toMatchObject({ version: 2, tags: {} })
    },
    '`listSecrets`': async (secrets, provider) => {
      const paths: string[] = []
      for await (const { path } of secrets.listSecrets()) paths.push(path)
      expect(paths).toEqual(['db', 'other'])
      ssm.stub().plan(({ action }) => (action === 'DescribeParameters' ? { error: 'AccessDeniedException' } : 'pass'))
      for await (const { path } of provider.list('db', context)) expect(path).toBe('db')
    },
    '`storeSecret`, `rotateSecret`': async (secrets) => {
      expect(await secrets.storeSecret('new', 'one')).toMatchObject({ version: 1 })
      expect(await secrets.rotateSecret('db', 'three')).toMatchObject({ version: 3 })
    },
    '`tagSecret`, tags of a write': async (secrets) => {
      await secrets.tagSecret('db', { team: 'pay' })
      await secrets.tagSecret('db', { team: null })
    },
    '`deleteSecret`': (secrets) => secrets.deleteSecret('db', { purge: true }),
    '`checkHealth`': async (secrets) => {
      expect(await secrets.checkHealth()).toMatchObject({ ok: true })
    },
  }

  test('every row is tried, and reading needs two rights', async () => {
    expect([...table.keys()].filter((use) => use !== 'for' && !use.startsWith('--'))).toEqual(Object.keys(uses))
    expect(reading).toEqual(['GetParameter', 'GetParameters'])
    for (const [name, value] of [
      ['db', 'one'],
      ['db', 'two'],
      ['other', 'x'],
    ] as const)
      await seed(ssm.moto().url, name, value)
    ssm.stub().plan(({ action }) => (reading.includes(action) ? 'pass' : { error: 'AccessDeniedException' }))
    const secrets = createSecretsManager({ providers: [ssm.provider()] })
    expect(await secrets.getSecrets(['db', 'other'])).toEqual({ db: 'two', other: 'x' })
    expect(await secrets.getSecret('db', { version: 1 })).toBe('one')
    expect(await secrets.verifySecret('db', 'one', { acceptPreviousForSeconds: 3_600 })).toBe(true)
    expect(await secrets.describeSecret('db')).toMatchObject({ version: 2 })
    await secrets.close()
  })

  test.each(Object.entries(uses))('for %s', async (use, run) => {
    for (const name of ['db', 'db', 'other']) await seed(ssm.moto().url, name, 'x')
    const allowed = [...reading, ...(table.get(use) ?? [])]
    const others = new Set<string>()
    ssm.stub().plan(({ action }) => {
      if (allowed.includes(action)) return 'pass'
      others.add(action)
      return { error: 'AccessDeniedException' }
    })
    const provider = ssm.provider()
    const secrets = createSecretsManager({ providers: [provider], cache: { ttlSeconds: 0 } })
    await run(secrets, provider)
    expect(ssm.asked()).toEqual(expect.arrayContaining([...(table.get(use) ?? [])]))
    // A description leaves out what is denied.
    expect([...others].filter((action) => !['GetParameterHistory', 'ListTagsForResource'].includes(action))).toEqual([])
    await secrets.close()
  })
})
