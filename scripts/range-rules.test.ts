import { expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import * as rules from './range-rules.ts'

test('a repository that keeps the rules has no faults', () => {
  expect(rules.rangeRules.flatMap((rule) => rule(repository()))).toEqual([])
})

test.each([
  ['dependencies', '@finchat/secrets-core', 'workspace:*'],
  ['dependencies', '@finchat/secrets-core', '^0.1.0'],
  ['dependencies', 'a', 'catalog:'],
  ['dependencies', 'a', '1.2.3'],
  ['dependencies', 'a', '^1'],
  ['peerDependencies', 'a', '>=1.0.0'],
  ['peerDependencies', 'a', '^1.0.0 || 2.0.0'],
])('%s must not have %s %s', (field, name, range) => {
  const files = repository(packageFiles('audit', { [field]: { [name]: range } }))
  expect(rules.rangesAreCarets(files)).toEqual([`packages/audit/package.json: ${name} must have a caret range, not ${range}`])
})

test.each(['^1.2.3', '^1.0.0 || ^2.0.0'])('a range may be %s', (range) => {
  expect(rules.rangesAreCarets(repository(packageFiles('audit', { peerDependencies: { a: range } })))).toEqual([])
})

test('development dependencies and private packages may be exact', () => {
  const files = repository({
    ...packageFiles('audit', { devDependencies: { a: '1.2.3' } }),
    ...packageFiles('core', { private: true, dependencies: { a: '1.2.3' } }),
  })
  expect(rules.rangesAreCarets(files)).toEqual([])
})

test('a version that npm reads as exact is found', () => {
  const files = repository({ ...packageFiles('audit', { version: '0.0.1' }), 'packages/audit/CHANGELOG.md': '## 0.0.1\n' })
  expect(rules.releasesHaveNotes(files)).toEqual(['packages/audit/package.json: versions start at 0.1.0'])
})

test.each([undefined, '# audit\n', '# audit\n\n## 0.2.0\n\n## 0.1.0\n'])('a version without notes is found: %j', (notes) => {
  expect(rules.releasesHaveNotes(repository({ 'packages/audit/CHANGELOG.md': notes }))).toEqual([
    'packages/audit/CHANGELOG.md must begin with version 0.1.0',
  ])
})
