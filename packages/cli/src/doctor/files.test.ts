import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Config } from '../config/config.ts'
import { evaluate } from '../testing/evaluate.ts'
import { makeProject } from '../testing/make-project.ts'
import { probeFiles } from './files.ts'
import type { Finding } from './finding.ts'

const canary = 'canary-4711'

async function findingsIn(folder: string, config: Config, env: Record<string, string> = {}): Promise<readonly Finding[]> {
  const file = join(folder, 'finchat-secrets.config.json')
  const parts = { file: existsSync(file) ? file : undefined, config, folder, env: { PATH: process.env['PATH'], ...env }, findings: [] }
  return probeFiles(parts)
}

const warned = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ status }) => status === 'warn').map(({ finding }) => finding)

describe('the mode of a file', () => {
  it.each([
    ['finchat-secrets.config.json', 0o644, 0],
    ['finchat-secrets.config.json', 0o664, 1],
    ['finchat-secrets.config.json', 0o646, 1],
    ['key', 0o600, 0],
    ['key', 0o400, 0],
    ['key', 0o640, 1],
    ['key', 0o604, 1],
    ['.secrets.db', 0o600, 0],
    ['.secrets.db', 0o644, 1],
    ['audit', 0o700, 0],
    ['audit', 0o711, 1],
    ['audit', 0o755, 1],
  ])('%s with %o gives so many warnings: %i', async (name, mode, count) => {
    const folder = makeProject({ 'finchat-secrets.config.json': '{}', key: canary, '.secrets.db': '' })
    mkdirSync(join(folder, 'audit'))
    for (const [each, right] of Object.entries({ 'finchat-secrets.config.json': 0o644, key: 0o600, '.secrets.db': 0o600, audit: 0o700 }))
      chmodSync(join(folder, each), each === name ? mode : right)
    const findings = await findingsIn(folder, { local: { key: { file: 'key' } }, audit: { folder: 'audit' } })
    expect(warned(findings)).toHaveLength(count)
    expect(findings.filter(({ status }) => status === 'ok')).toHaveLength(4 - count)
    expect(JSON.stringify(findings)).not.toContain(canary)
    if (count > 0) expect(findings.find(({ status }) => status === 'warn')?.remedy).toContain(name)
  })

  it('is looked at where variables name the file', async () => {
    const folder = makeProject({ identity: canary })
    chmodSync(join(folder, 'identity'), 0o644)
    const findings = await findingsIn(folder, {}, { FINCHAT_AGE_IDENTITY_FILE: join(folder, 'identity') })
    expect(warned(findings)).toEqual([expect.stringContaining('identity holds a key or a token, and its mode is 644')])
  })

  it('is looked at where variables name the file, also relative to where the program is', async () => {
    const folder = makeProject({ identity: canary })
    chmodSync(join(folder, 'identity'), 0o644)
    const file = relative(process.cwd(), join(folder, 'identity'))
    const findings = await findingsIn(join(folder, 'app'), {}, { FINCHAT_AGE_IDENTITY_FILE: file, FINCHAT_LOCAL_PATH: file })
    expect(warned(findings)).toEqual([
      expect.stringContaining('identity holds a key or a token, and its mode is 644'),
      expect.stringContaining('identity holds the encrypted secrets, and its mode is 644'),
    ])
  })

  it('advises a command that a shell takes as it is meant', async () => {
    const folder = makeProject({ '$(touch x).key': canary })
    chmodSync(join(folder, '$(touch x).key'), 0o644)
    const findings = await findingsIn(folder, { local: { key: { file: '$(touch x).key' } } })
    expect(findings.map(({ remedy }) => remedy)).toContain("chmod 600 '$(touch x).key'")
  })

  it('is nothing to say of what is not there', async () => {
    const config = { local: { key: { file: 'none' }, path: ':memory:' }, audit: { folder: 'none' } }
    expect(await findingsIn(makeProject({}), config)).toEqual([])
  })
})

function git(folder: string, ...args: string[]): void {
  execFileSync('git', ['-C', folder, ...args], { stdio: 'ignore' })
}

describe('git', () => {
  it.each([
    ['key', 1],
    ['*', 0],
  ])('with %j ignored takes the key: %i', async (_, count) => {
    const folder = makeProject({ key: canary, '.gitignore': count === 0 ? 'key\n' : '' })
    chmodSync(join(folder, 'key'), 0o600)
    git(folder, 'init', '-q')
    const findings = await findingsIn(folder, { vault: { token: { file: 'key' } } })
    expect(warned(findings).filter((text) => text.includes('git'))).toHaveLength(count)
  })

  it('is asked in the work tree of the key, wherever the project is', async () => {
    const other = makeProject({ token: canary })
    chmodSync(join(other, 'token'), 0o600)
    git(other, 'init', '-q')
    const findings = await findingsIn(makeProject({}), { vault: { token: { file: join(other, 'token') } } })
    expect(warned(findings)).toEqual([expect.stringContaining('git does not ignore')])
  })

  it('tracks a key file, also one that it shall ignore', async () => {
    const folder = makeProject({ key: canary, '.gitignore': 'key\n' })
    git(folder, 'init', '-q')
    git(folder, 'add', '-f', 'key')
    const findings = await findingsIn(folder, { local: { key: { file: 'key' } } })
    expect(warned(findings)).toContainEqual('git tracks key, which holds a key or a token: its history has it')
    expect(findings.find(({ finding }) => finding.includes('git tracks'))?.remedy).toContain('git rm --cached key')
  })

  it('tracks .env files that hold values, and the finding names them alone', async () => {
    const files = { '.env': `A=${canary}`, '.env.production': 'B=1', '.env.example': 'A=', '.env.local': 'C=1' }
    const folder = makeProject(files)
    git(folder, 'init', '-q')
    git(folder, 'add', '.env', '.env.production', '.env.example')
    const findings = await findingsIn(folder, {})
    expect(warned(findings)).toEqual([expect.stringContaining('git tracks .env:'), expect.stringContaining('git tracks .env.production:')])
    expect(JSON.stringify(findings)).not.toContain(canary)
  })

  it('is done without', async () => {
    const folder = makeProject({ '.env': 'A=1' })
    expect(await findingsIn(folder, {}, { PATH: '' })).toEqual([])
  })
})

const isRoot = process.getuid?.() === 0
const nobody = 65_534

const writingAs = (path: string): unknown => evaluate(join(import.meta.dirname, 'files.ts'), 'writingOf', [path], true)

describe('the write access of a local store', () => {
  it.each([
    ['.secrets.db', 0o444, 0o755, 'cannot write .secrets.db'],
    ['none.db', 0o666, 0o555, 'cannot write the folder of the store'],
  ])('is not there for %s with the modes %o and %o', (name, fileMode, folderMode, text) => {
    const folder = makeProject({ '.secrets.db': '' })
    chmodSync(join(folder, '.secrets.db'), fileMode)
    chmodSync(folder, folderMode)
    expect(writingAs(join(folder, name))).toMatchObject({ status: 'warn', finding: expect.stringContaining(text) })
    chmodSync(folder, 0o755)
  })

  it('is there for the owner', () => {
    const folder = makeProject({ '.secrets.db': '' })
    if (isRoot) for (const path of [folder, join(folder, '.secrets.db')]) chownSync(path, nobody, nobody)
    expect(writingAs(join(folder, '.secrets.db'))).toMatchObject({ status: 'ok' })
    expect(writingAs(':memory:')).toMatchObject({ status: 'ok' })
  })
})
