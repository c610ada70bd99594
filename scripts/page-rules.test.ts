import { expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import * as rules from './page-rules.ts'

const readme = 'packages/audit/README.md'
const siblings = ['core', 'testkit'].map((name) => `[${name}]: https://github.com/finchat/secrets/tree/main/packages/${name}`)

test('a repository that keeps the rules has no faults', () => {
  expect(rules.pageRules.flatMap((rule) => rule(repository()))).toEqual([])
})

test.each(['[a](../core)', '![a](docs/report.png)', '[a][b]\n\n[b]: ../../docs/b.md'])(
  'a README with a relative link is found: %s',
  (text) => {
    const files = repository({ [readme]: `${text}\n${siblings.join('\n')}\n` })
    expect(rules.readmesStandAlone(files)).toEqual([expect.stringMatching(`^${readme}: the link .* must be absolute$`)])
  },
)

test('a README may link within itself and to other sites', () => {
  const files = repository({ [readme]: `[a](#errors), [b](https://b.example)\n${siblings.join('\n')}\n` })
  expect(rules.readmesStandAlone(files)).toEqual([])
})

test('a README whose label has no link is found', () => {
  expect(rules.readmesStandAlone(repository({ [readme]: `[a][b]\n${siblings.join('\n')}\n` }))).toEqual([
    `${readme}: no link is given for [b]`,
  ])
})

test('a README that leaves another package out is found', () => {
  expect(rules.readmesStandAlone(repository({ [readme]: `\n${siblings[0]}\n` }))).toEqual([
    `${readme}: must link to https://github.com/finchat/secrets/tree/main/packages/testkit`,
  ])
})

test('a README may leave out what only writes files', () => {
  const files = repository({ 'packages/create-secrets-provider/package.json': '{ "name": "@finchat/create-secrets-provider" }' })
  expect(rules.readmesStandAlone(files).filter((fault) => fault.startsWith(readme))).toEqual([])
})

test.each([undefined, 'secrets manager', ['secrets manager'], ['a', 'b', 'c', 'd', 'e']])('keywords must not be %j', (keywords) => {
  expect(rules.keywordsAreGiven(repository(packageFiles('audit', { keywords })))).toEqual([expect.stringContaining('"keywords" must be')])
})
