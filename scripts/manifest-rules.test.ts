import { describe, expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import { sameManifest } from './manifest-rules.ts'

const core = 'packages/core'

const entry = (name: string): object => ({
  '@finchat/source': `./src/${name}.ts`,
  require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
  types: `./dist/${name}.d.ts`,
  default: `./dist/${name}.js`,
})
const twoEntries = { '.': entry('index'), './testing': entry('testing'), './package.json': './package.json' }

describe('the manifests of packages', () => {
  test('have no faults where they keep the rule', () => {
    expect(sameManifest(repository())).toEqual([])
  })

  test.each<[string, unknown]>([
    ['name', '@finchat/core'],
    ['license', 'ISC'],
    ['type', undefined],
    ['sideEffects', true],
    ['engines', { node: '>=20' }],
    ['homepage', undefined],
    ['bugs', undefined],
    ['repository', undefined],
    ['files', ['dist']],
    ['scripts', { build: 'tsc -b', postinstall: 'node setup.js' }],
    ['description', undefined],
    ['exports', undefined],
    ['exports', { '.': './dist/index.js', './package.json': './package.json' }],
    ['exports', { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' }],
    ['exports', { '.': { '@finchat/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } }],
    ['exports', { '.': entry('index') }],
    ['publishConfig', undefined],
    ['publishConfig', { exports: { '.': entry('index'), './package.json': './package.json' } }],
    ['publishConfig', { exports: { './package.json': './package.json' } }],
    ['main', undefined],
    ['main', './dist/index.js'],
    ['types', undefined],
    ['typesVersions', { '*': { testing: ['./dist/testing.d.ts'] } }],
  ])('must not have %s %j', (field, value) => {
    const faults = sameManifest(repository(packageFiles('core', { [field]: value })))
    expect(faults).not.toEqual([])
    expect(faults.join('\n')).toContain(`${core}/package.json: "${field}"`)
  })

  test('may have further entries', () => {
    const typesVersions = { '*': { testing: ['./dist/testing.d.ts'] } }
    expect(sameManifest(repository(packageFiles('core', { exports: twoEntries, typesVersions })))).toEqual([])
  })

  test.each([undefined, { '*': {} }, { '*': { testing: ['./dist/index.d.ts'] } }])(
    'have %j as types of no further entry',
    (typesVersions) => {
      expect(sameManifest(repository(packageFiles('core', { exports: twoEntries, typesVersions })))).toEqual([
        `${core}/package.json: "typesVersions" must be {"*":{"testing":["./dist/testing.d.ts"]}}`,
      ])
    },
  )

  test('may have an entry for --import, which is not required', () => {
    const { './testing': further, ...main } = twoEntries
    const { require: _, ...preload } = JSON.parse(JSON.stringify(further).replaceAll('testing', 'register')) as Record<string, unknown>
    const typesVersions = { '*': { register: ['./dist/register.d.ts'] } }
    const sideEffects = ['./dist/register.js', './src/register.ts']
    const faults = (fields: object): string[] => sameManifest(repository(packageFiles('core', { typesVersions, ...fields })))
    expect(faults({ exports: { ...main, './register': preload }, sideEffects })).toEqual([])
    expect(faults({ exports: { ...main, './register': preload } })).toHaveLength(1)
  })

  test('may have a command instead of an entry', () => {
    const exports = { './package.json': './package.json' }
    const command = { exports, bin: { x: './dist/x.js' }, main: undefined, types: undefined }
    expect(sameManifest(repository(packageFiles('cli', command)))).toEqual([])
  })

  test('must be named as `npm create` looks for them', () => {
    const files = (name: string): ReturnType<typeof repository> => repository(packageFiles('create-secrets-provider', { name }))
    expect(sameManifest(files('@finchat/create-secrets-provider'))).toEqual([])
    expect(sameManifest(files('@finchat/secrets-create-secrets-provider'))).toEqual([expect.stringContaining('"name"')])
  })

  test('may differ where a package is private', () => {
    expect(sameManifest(repository(packageFiles('core', { private: true, license: undefined })))).toEqual([])
  })
})
