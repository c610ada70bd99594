import { expect, test } from 'vitest'
import { repository } from './fixture.ts'
import { versionTests } from './version-tests.ts'

const tested = 'packages/core/src/a.test.ts'
const found = (changes: Readonly<Record<string, string>>): string[] =>
  versionTests(repository({ [tested]: "import { test } from 'vitest'\nimport './a.ts'", ...changes }), ['packages/core'])

test.each([
  ['itself', { [tested]: "import pg from 'pg'" }],
  ['for a type', { 'packages/core/src/a.ts': "import type { Pool } from 'pg'" }],
  ['by what a file imports', { 'packages/core/src/a.ts': "export * from './b.ts'", 'packages/core/src/b.ts': "import pg from 'pg'" }],
  ['on first use', { 'packages/core/src/a.ts': "const load = () => import('@aws-sdk/client-ssm')" }],
  ['by another package', { 'packages/core/src/a.ts': "import '@finchat/secrets-audit'", 'packages/audit/src/index.ts': "import 'pino'" }],
  ['by a program beside it', { 'packages/core/src/a.ts': "fork(join(here, './b.ts'))", 'packages/core/src/b.ts': "import 'pino'" }],
  ['by a program in a folder', { 'packages/core/src/a.ts': "fork(programOf('b.ts'))", 'packages/core/src/x/b.ts': "import 'pino'" }],
])('a test that uses a foreign package %s depends on its version', (_, changes) => {
  expect(found(changes)).toEqual([tested])
})

test.each([
  ['Node.js, vitest and fast-check', { 'packages/core/src/a.ts': "import 'node:fs'\nimport fc from 'fast-check'" }],
  ['a helper of ours that no user installs', { 'packages/core/src/a.ts': "import '@finchat/secrets-test-servers'" }],
  ['what another test uses', { 'packages/core/src/b.ts': "import pg from 'pg'" }],
])('a test that uses only %s does not', (_, changes) => {
  const servers = {
    'tests/servers/package.json': JSON.stringify({ name: '@finchat/secrets-test-servers', private: true, exports: exported }),
  }
  expect(found({ ...servers, 'tests/servers/src/index.ts': "import pg from 'pg'", ...changes })).toEqual([])
})

test('only tests of the named packages are found', () => {
  const changes = { 'packages/audit/src/b.test.ts': "import 'pino'", [tested]: "import 'pino'" }
  expect(found(changes)).toEqual([tested])
})

const exported = { '.': { '@finchat/source': './src/index.ts' } }
