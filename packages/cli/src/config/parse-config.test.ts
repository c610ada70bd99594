import { SecretsError } from '@finchat/secrets-core'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonSchema } from '../testing/json-schema.ts'
import { parseConfig } from './parse-config.ts'
import { generatorKinds, type Kinds, rotationShapes, targetKinds } from './rotation-settings.ts'
import { chainSettings, declarationShapes, sections, type Shape } from './settings.ts'

function problemsOf(content: unknown): string {
  try {
    parseConfig(content, 'the file')
    return ''
  } catch (error) {
    if (SecretsError.isInstance(error) && error.code === 'CONFIGURATION') return error.problem
    throw error
  }
}

describe('parseConfig', () => {
  it('takes what the variables can say', () => {
    const config = {
      $schema: './x.json',
      provider: 'vault',
      fallbacks: ['local', 'env'],
      cacheTtl: 0,
      vault: { url: 'https://vault:8200', token: { file: '/run/token' }, names: { TOKEN: 'finchat/token#token' }, onlyNamed: true },
      local: { key: { variable: 'APP_KEY' }, path: ':memory:', keepVersions: 'all', mustExist: true },
      audit: { line: true },
      secrets: { TOKEN: { description: 'of the API', type: 'text', minLength: 8 }, 'prod/db': { required: false } },
      rotation: {
        TOKEN: { every: '30d', generate: { kind: 'token', bytes: 24 } },
        'prod/db': {
          graceSeconds: 3_600,
          target: {
            kind: 'postgres',
            host: 'db',
            database: 'shop',
            administrator: 'rotator',
            password: { file: 'x' },
            users: ['a', 'b'],
            owner: 'c',
          },
        },
      },
    }
    expect(parseConfig(config, 'the file')).toEqual(config)
  })

  it('refuses a key in the file, says what to do, and never shows it', () => {
    const key = 'canary-4711-canary-4711-canary-4711'
    const problems = problemsOf({ local: { key }, vault: { token: key }, sops: { identity: { value: key } } })
    expect(problems).not.toContain('canary')
    expect(problems).toContain('local.key holds the secret itself')
    expect(problems).toContain('{ "variable": "NAME" }, { "file": "PATH" } or { "keychain": "NAME" }')
    expect(problems).toContain('sops.identity must be')
  })

  it('lists every problem, with what may be meant', () => {
    const problems = problemsOf({
      provder: 'local',
      provider: 'valt',
      cacheTtl: '300',
      local: { pth: 'x', must_exist: true },
      vault: [],
      secrets: { 'a b': {}, A: 'canary' },
    })
    expect(problems.split('\n')).toEqual([
      'the file cannot be used:',
      '"provder" is not known: did you mean provider?',
      'provider must be env, local, aws, ssm, vault, kubernetes, mounted, age, sops: did you mean vault?',
      'cacheTtl must be a whole number from 0 to 999999999',
      '"local.pth" is not known: did you mean local.path?',
      '"local.must_exist" is not known: did you mean local.mustExist?',
      'vault is an array, not an object',
      'secrets: "a b" is not a valid secret name',
      'secrets.A is text: it describes a secret, and never holds its value',
    ])
  })

  it('takes a provider of another package, by a name of its own', () => {
    const providers = { 'my-store': '@acme/my-store', other: 'store/provider' }
    expect(problemsOf({ provider: 'my-store', fallbacks: ['other', 'env'], providers })).toBe('')
    expect(problemsOf({ provider: 'my-stor', providers })).toContain('sops, my-store, other')
  })

  it.each([
    [{ 'my-store': './my-store.js' }, 'providers.my-store must be the name of a package'],
    [{ 'my-store': '../x' }, 'providers.my-store must be the name of a package'],
    [{ 'my-store': 'a/../../x' }, 'providers.my-store must be the name of a package'],
    [{ 'my-store': '/etc/x.js' }, 'providers.my-store must be the name of a package'],
    [{ 'my-store': 'node:fs' }, 'providers.my-store must be the name of a package'],
    [{ 'my-store': 'data:text/javascript,1' }, 'providers.my-store must be the name of a package'],
    [{ vault: '@acme/vault' }, 'providers: "vault" is no name for a provider of your own'],
    [{ 'My Store': '@acme/vault' }, 'providers: "My Store" is no name for a provider of your own'],
    [['@acme/my-store'], 'providers is an array, not an object'],
  ])('refuses %j as providers', (providers, problem) => {
    expect(problemsOf({ providers })).toContain(problem)
  })

  it.each([[null], [[]], ['text'], [1], [undefined]])('refuses %j', (content) => {
    expect(problemsOf(content)).toContain('not an object')
  })

  it.each<[object, string]>([
    [{ $schema: 5 }, '$schema must be a text'],
    [{ fallbacks: ['env', 'env'] }, 'fallbacks must be a list of env, local, '],
    [{ fallbacks: ['env', 'other'] }, 'fallbacks must be a list of env, local, '],
    [
      { fallbacks: ['env', 'lokal'] },
      'fallbacks must be a list of env, local, aws, ssm, vault, kubernetes, mounted, age, sops, each once: did you mean local?',
    ],
    [{ local: { key: {} } }, 'local.key must be { "variable": "NAME" }, { "file": "PATH" } or { "keychain": "NAME" }'],
    [{ local: { key: { file: 'a', keychain: 'b' } } }, 'local.key must be { "variable": "NAME" }'],
    [{ local: { key: 4711 } }, 'local.key must be { "variable": "NAME" }'],
    [{ local: { path: '' } }, 'local.path must be a path'],
    [{ local: { mustExist: 'yes' } }, 'local.mustExist must be true or false'],
    [{ local: { keepVersions: 'some' } }, 'local.keepVersions must be all, a whole number from '],
    [{ cacheTtl: 1.5 }, 'cacheTtl must be a whole number from 0 to 999999999'],
    [{ cacheTtl: 1_000_000_000 }, 'cacheTtl must be a whole number from 0 to 999999999'],
    [{ vault: { names: { 'a=b': 'x' } } }, 'vault.names must be an object of names and paths'],
    [{ vault: { names: { A: 'x,y' } } }, 'vault.names must be an object of names and paths'],
    [{ secrets: [] }, 'secrets is an array, not an object'],
    [{ secrets: { A: { required: 1 } } }, 'secrets.A.required must be true or false'],
    [{ rotation: [] }, 'rotation is an array, not an object'],
    [{ rotation: { 'a b': {} } }, 'rotation: "a b" is not a valid secret name'],
    [{ rotation: { A: 'daily' } }, 'rotation.A is text, not an object'],
    [{ rotation: { A: { evry: '1d' } } }, '"rotation.A.evry" is not known: did you mean rotation.A.every?'],
    [{ rotation: { A: { generate: 'token' } } }, 'rotation.A.generate is text, not an object'],
    [{ rotation: { A: { generate: { kind: 'secret' } } } }, 'rotation.A.generate.kind must be '],
    [{ rotation: { A: { generate: { kind: 'token', bits: 8 } } } }, '"rotation.A.generate.bits" is not known'],
    [{ rotation: { A: { target: { kind: 'toString' } } } }, 'rotation.A.target.kind must be '],
    [{ rotation: { A: { target: { kind: 'postgres' } } } }, 'rotation.A.target.host is missing'],
    [{ rotation: { A: { target: { next: () => 1, apply: () => 1 } } } }, 'rotation.A.target.kind must be '],
  ])('names the place and what belongs there: %j', (content, problem) => {
    expect(
      problemsOf(content)
        .split('\n')
        .slice(1)
        .filter((line) => line.startsWith(problem)),
    ).toHaveLength(1)
  })

  it('takes a generator and a target of a program', () => {
    const target = { next: () => 'x', apply: () => 1, test: () => 1 }
    expect(problemsOf({ rotation: { A: { generate: () => 'x', target } } })).toBe('')
  })

  it('takes no member from a prototype', () => {
    expect(problemsOf(JSON.parse('{"__proto__":{"provider":"local"}}'))).toContain('"__proto__" is not known')
    expect(problemsOf({ local: JSON.parse('{"constructor":1}') as unknown })).toContain('"local.constructor" is not known')
  })
})

describe('the JSON schema', () => {
  const accepts = new Ajv({ strict: false, unicodeRegExp: true }).compile(jsonSchema())

  it('is published as the table has it', async () => {
    await expect(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot('../config.schema.json')
  })

  it('accepts exactly what the parser accepts', () => {
    let [taken, refused] = [0, 0]
    fc.assert(
      fc.property(anyConfig, (config) => {
        const isTaken = problemsOf(config) === ''
        if (isTaken) taken++
        else refused++
        expect(accepts(config), `${JSON.stringify(config)} ${problemsOf(config)}`).toBe(isTaken)
      }),
      { numRuns: 3_000 },
    )
    expect(Math.min(taken, refused)).toBeGreaterThan(20) // it has seen both
  })
})

const someText = fc.oneof(
  fc.constantFrom('', 'a', 'https://vault:8200', ' a', 'a#b', 'a#b#c', '#b', 'a,b', 'a b', '\u0000', '\u0085', 'é#ü', 'a# b', ':memory:'),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const someName = fc.oneof(fc.constantFrom('TOKEN', 'prod/db', 'a=b', '..', 'a/../b', 'a/', '/a', 'a b', ''), fc.string({ maxLength: 4 }))
const other = fc.oneof(fc.constantFrom(null, true, false, 0, 1, -1, 1.5, 1e9, 'all', 'true', [], {}, ['env'], ['env', 'env']), someText)

/** What is mostly right for a shape. */
function valueFor(shape: Shape): fc.Arbitrary<unknown> {
  const right: Readonly<Record<Shape['kind'], fc.Arbitrary<unknown>>> = {
    text: someText,
    path: someText,
    switch: fc.boolean(),
    count: fc.integer({ min: -1, max: 1_000_000_000 }),
    paths: fc.dictionary(someName, someText, { maxKeys: 2 }),
    credential: fc.oneof(
      fc.record({ variable: fc.constantFrom('APP_KEY', '1A', 'a-b', 'é') }),
      fc.record({ file: someText }),
      fc.record({ keychain: someText }),
      fc.record({ file: someText, variable: fc.constant('A') }),
    ),
    choice: 'words' in shape && shape.words.length > 0 ? fc.constantFrom(...shape.words, true, 3, 0) : other,
    list: fc.array(fc.constantFrom(...('words' in shape ? shape.words : []), 'other'), { maxLength: 3 }),
    texts: fc.array(someText, { maxLength: 2 }),
  }
  return fc.oneof({ weight: 12, arbitrary: right[shape.kind] }, { weight: 1, arbitrary: other })
}

function membersFor(shapes: Readonly<Record<string, Shape>>): fc.Arbitrary<unknown> {
  return fc.record(Object.fromEntries(Object.entries(shapes).map(([member, shape]) => [member, valueFor(shape)])), { requiredKeys: [] })
}

/** A section of a kind, mostly with what it needs. */
function kindFor(kinds: Kinds): fc.Arbitrary<unknown> {
  const each = Object.entries(kinds).map(([kind, shapes]) => {
    const members = Object.fromEntries(Object.entries(shapes).map(([member, shape]) => [member, valueFor(shape)]))
    const needed = Object.keys(shapes).filter((member) => shapes[member]?.needed)
    return fc
      .oneof(
        { weight: 5, arbitrary: fc.record(members, { requiredKeys: needed }) },
        { weight: 1, arbitrary: fc.record(members, { requiredKeys: [] }) },
      )
      .map((content) => ({ kind, ...content }))
  })
  return fc.oneof(
    { weight: 10, arbitrary: fc.oneof(...each) },
    { weight: 1, arbitrary: fc.oneof(other, fc.constant({ kind: 'toString' })) },
  )
}

const rotation = fc.dictionary(
  someName,
  fc
    .record(
      { generate: kindFor(generatorKinds), target: kindFor(targetKinds), shapes: membersFor(rotationShapes) },
      { requiredKeys: ['shapes'] },
    )
    .map(({ shapes, ...each }) => ({ ...(shapes as object), ...each })),
  { maxKeys: 1 },
)

/** A section or two, and seldom a member that is not known. */
const anyConfig = fc
  .record({
    chain: membersFor(chainSettings),
    section: fc
      .constantFrom(...Object.keys(sections))
      .chain((name) => membersFor(sections[name] ?? {}).map((content) => ({ [name]: content }))),
    secrets: fc.option(fc.dictionary(someName, membersFor(declarationShapes), { maxKeys: 2 }), { nil: undefined }),
    rotation: fc.option(rotation, { nil: undefined }),
    stray: fc.oneof(
      { weight: 20, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.dictionary(fc.string(), other, { minKeys: 1, maxKeys: 1 }) },
    ),
    whole: fc.oneof({ weight: 50, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: other }),
  })
  .map(
    ({ chain, section, secrets, rotation: rotations, stray, whole }) =>
      whole ?? {
        ...(chain as object),
        ...section,
        ...(secrets === undefined ? {} : { secrets }),
        ...(rotations === undefined ? {} : { rotation: rotations }),
        ...stray,
      },
  )
