import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { matchedTexts } from '@finchat/secrets-testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { foundNames } from './found-names.ts'
import { namesInSource } from './names-in-source.ts'
import { kindOf } from './secret-names.ts'

const canary = 'canary-4711'

describe('foundNames', () => {
  it('finds what sources read and .env files set, each with its places', () => {
    const folder = makeProject({
      '.env': `# remark\nDATABASE_URL=postgres://user:${canary}@host/db\nexport STRIPE_KEY="${canary}" # of the shop\n`,
      '.env.example': 'STRIPE_KEY=\nLOG_LEVEL=info\n',
      'src/db.ts': '\nconnect(process.env.DATABASE_URL)',
      'src/a.jsx': "process.env['JWT_SECRET']",
    })
    expect(foundNames(folder)).toEqual([
      { name: 'DATABASE_URL', places: ['.env:2', 'src/db.ts:2'], isSecret: true, filledIn: ['.env'] },
      { name: 'JWT_SECRET', places: ['src/a.jsx:1'], isSecret: true, filledIn: [] },
      { name: 'LOG_LEVEL', places: ['.env.example:2'], isSecret: false, filledIn: [] },
      { name: 'STRIPE_KEY', places: ['.env:3', '.env.example:1'], isSecret: true, filledIn: ['.env'] },
    ])
  })

  it('takes an address with a password for a secret, whatever its name', () => {
    const folder = makeProject({ '.env': `BROKER=amqp://user:${canary}@host\nSITE=https://host/path\n` })
    expect(foundNames(folder).map(({ name, isSecret }) => [name, isSecret])).toEqual([
      ['BROKER', true],
      ['SITE', false],
    ])
  })

  it('leaves out what systems set, unless a .env file of the project sets it', () => {
    const folder = makeProject({ '.env': 'PORT=80\nFINCHAT_LOCAL_PATH=x\n', 'app.js': 'process.env.PORT + process.env.HOME' })
    expect(foundNames(folder)).toEqual([{ name: 'PORT', places: ['.env:1', 'app.js:1'], isSecret: false, filledIn: ['.env'] }])
  })

  it('takes no line of a quoted value for a name', () => {
    const folder = makeProject({ '.env': 'PEM="first\nINNER_TOKEN=x\nlast"\nTOKEN=y\n' })
    expect(foundNames(folder).map(({ name, places }) => [name, ...places])).toEqual([
      ['PEM', '.env:1'],
      ['TOKEN', '.env:4'],
    ])
  })

  it.each(['node_modules/a/i.js', 'dist/i.js', '.git/i.js', 'build/i.mjs', 'i.py', 'large.js'])('does not read %s', (path) => {
    const padding = path === 'large.js' ? ' '.repeat(1024 * 1024) : ''
    expect(foundNames(makeProject({ [path]: `process.env.TOKEN${padding}` }))).toEqual([])
  })

  it('follows no links, in which a project may leave itself or go round', () => {
    const [folder, other] = [makeProject({ 'a.js': '' }), makeProject({ '.env': 'TOKEN=x', 'b.js': 'process.env.TOKEN' })]
    symlinkSync(other, join(folder, 'other'))
    symlinkSync(join(other, '.env'), join(folder, '.env'))
    symlinkSync(folder, join(folder, 'round'))
    expect(foundNames(folder)).toEqual([])
  })

  it('leaves no value in a property of RegExp', async () => {
    const folder = makeProject({ '.env': `TOKEN=${canary}\nURL_OF_DB=postgres://u:${canary}@h/d\n` })
    const texts = await matchedTexts(async () => void foundNames(folder))
    expect(texts.join(' ')).not.toContain(canary)
  })
})

describe('namesInSource', () => {
  it.each([
    ['process.env.A', ['A']],
    ['process.env!.A; process.env?.B; process.env?.["C"]', ['A', 'B', 'C']],
    ['process . env.A', []],
    ["process.env[ 'A' ] + process.env[`B`]", ['A', 'B']],
    ['process.env\n  .A', ['A']],
    ['process.env[name] ?? process.env', []],
    ["const { A, B: b, C = 'x', 'D': d, ...rest } = process.env", ['A', 'B', 'C', 'D']],
    ['const {\n  A, // , X\n  /* Y, */ B,\n}: NodeJS.ProcessEnv = process.env', ['A', 'B']],
    ['const { A } = other; process.env.B', ['B']],
    ['f({ A }, process.env)', []],
    ['process\n  .env\n  .A; process?.env?.B; globalThis.process.env.C', ['A', 'B', 'C']],
    ['preprocess.env.A; process.environment.B; env.C', []],
    ['const env = process.env\nenv.A; env["B"]; const { C } = env; other.env.D; my_env.E', ['A', 'B', 'C']],
    ['const settings: NodeJS.ProcessEnv = process.env;\nuse(settings.A)', ['A']],
    ['const { argv, env } = process\nenv.A', ['A']],
    ['const e = process.env;\ncatch (e) { log(e.message, e.CODE) }; process.env.lower', ['CODE', 'lower']],
    ['const { env: e } = require("node:process"); e.A; env.B', ['A']],
    ["import { argv, env as e } from 'node:process'\ne.A; env.B", ['A']],
    ["import process, { env } from 'process'\nenv.A", ['A']],
    ["import { env } from './env.ts'\nenv.A", []],
    ['const { env } = context; env.A', []],
  ])('%j', (text, names) => {
    expect(namesInSource(text).map(({ name }) => name)).toEqual(names)
  })

  it('gives the line, and every name that is written in one of the ways', () => {
    const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,12}$/)
    const written = [
      (each: string) => `process.env.${each}`,
      (each: string) => `process.env['${each}']`,
      (each: string) => `const { ${each} } = process.env`,
    ]
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.constantFrom(...written))), (all) => {
        const text = all.map(([each, write]) => write(each)).join('\n')
        expect(namesInSource(text)).toEqual(all.map(([each], index) => ({ name: each, line: index + 1 })))
      }),
    )
  })

  it.each([
    ['braces', `${'{'.repeat(100_000)}${'process.env = '.repeat(1_000)}`],
    ['imports', 'import a '.repeat(100_000)],
    ['lists', `const {${'env, '.repeat(200_000)}`],
    ['short lists', 'const {env, env, env'.repeat(50_000)],
    ['types', 'const a: b'.repeat(100_000)],
  ])('takes no time for a long line of %s', (_, text) => {
    const before = process.cpuUsage()
    namesInSource(text)
    expect(process.cpuUsage(before).user).toBeLessThan(3_000_000)
  })
})

describe('kindOf', () => {
  it.each([
    [
      'secret',
      'STRIPE_KEY GITHUB_TOKEN dbPassword SESSION_SECRET SENTRY_DSN DATABASE_URL MONGODB_URI SLACK_WEBHOOK_URL DB_PASS JWT_PRIVATE_KEY AZURE_CONNECTION_STRING FINCHAT_TOKEN',
    ],
    [
      'setting',
      'LOG_LEVEL API_URL STRIPE_PUBLIC_KEY NEXT_PUBLIC_API_KEY VITE_TOKEN TOKEN_TTL JWT_SECRET_FILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY VAULT_TOKEN PASSWORD_MIN_LENGTH KEYBOARD MONKEY_COLOR',
    ],
    ['system', 'NODE_ENV PORT PWD npm_config_registry'],
    ['ignored', 'FINCHAT_ENCRYPTION_KEY FINCHAT_VAULT_TOKEN FINCHAT_AGE_IDENTITY_FILE FINCHAT_VAULT_TOKEN_KEYCHAIN FINCHAT_AUDITOR_KEY'],
  ])('%s: %s', (kind, names) => {
    expect(names.split(' ').map((name) => [name, kindOf(name)])).toEqual(names.split(' ').map((name) => [name, kind]))
  })
})
