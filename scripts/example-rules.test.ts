import { expect, test } from 'vitest'
import { repository } from './fixture.ts'
import { examplesStandAlone } from './example-rules.ts'

const manifest = { name: 'example-app', private: true, scripts: { start: 'node src/main.ts' } }
const readme = '```sh\nnpm install\nnpm start\n```\n\n```text\nhello\n```\n'
const faultsOf = (changes: object, text: string = readme): string[] =>
  examplesStandAlone(
    repository({ 'examples/app/package.json': JSON.stringify({ ...manifest, ...changes }), 'examples/app/README.md': text }),
  )

test('an example that can be copied has no faults', () => {
  expect(faultsOf({ dependencies: { '@finchat/secrets-core': '^0.1.0' }, devDependencies: { vitest: '^5.1.0' } })).toEqual([])
})

test('an example may be compiled before it starts', () => {
  expect(faultsOf({ scripts: { start: 'tsc && node dist/main.js' } })).toEqual([])
})

test.each([
  [{ dependencies: { '@finchat/secrets-core': 'workspace:^' } }, 'npm cannot install @finchat/secrets-core workspace:^'],
  [{ devDependencies: { vitest: 'catalog:' } }, 'npm cannot install vitest catalog:'],
  [{ dependencies: { pg: '8.23.1' } }, 'or only exactly'],
  [{ devDependencies: { '@finchat/secrets-test-servers': '^0.1.0' } }, '@finchat/secrets-test-servers is not published'],
  [{ scripts: {} }, '"start" must be "node src/main.ts"'],
  [{ scripts: { start: 'node --conditions=@finchat/source src/main.ts' } }, '"start" must be "node src/main.ts"'],
])('a manifest that cannot be copied is found: %j', (changes, fault) => {
  expect(faultsOf(changes)).toEqual([expect.stringContaining(fault)])
})

test.each([
  ['', ['^npm install$', '^npm start$', '^```text']],
  [readme.replace('npm install', 'pnpm install'), ['^npm install$']],
  [`${readme}[the guide](../../docs/rotation.md)\n`, ['the link ../../docs/rotation.md leaves the folder']],
  [readme + '\n'.repeat(60), ['more than 60 lines']],
])('a README that does not say how to run a copy is found: %j', (text, faults) => {
  expect(faultsOf({}, text)).toEqual(faults.map((fault) => expect.stringContaining(fault)))
})
