import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { programArgs, withoutCache } from './testing/child.ts'
import { blocksOf } from './testing/guide.ts'
import { makeProject } from './testing/make-project.ts'
import { programIn } from './testing/run-program.ts'

const dotenv = dirname(createRequire(import.meta.url).resolve('dotenv/package.json'))

const config = { provider: 'mounted', fallbacks: [], mounted: { folder: 'mounted' } }
const files = {
  'finchat-secrets.config.json': JSON.stringify({
    ...config,
    secrets: { DATABASE_URL: {}, EMPTY: {}, ONLY_STORE: {}, OPTIONAL: { required: false } },
  }),
  'mounted/DATABASE_URL': 'of the store',
  'mounted/EMPTY': '',
  'mounted/ONLY_STORE': 'of the store',
  '.env': 'DATABASE_URL=of the file\nEMPTY=of the file\nOPTIONAL=of the file\nPORT=80\n',
  'app.cjs':
    'const { DATABASE_URL, EMPTY, ONLY_STORE, OPTIONAL, PORT } = process.env; console.log(JSON.stringify({ DATABASE_URL, EMPTY, ONLY_STORE, OPTIONAL, PORT }))',
  'dotenv.cjs': "require('dotenv').config({ quiet: true }); require('./app.cjs')",
  'override.cjs': "require('dotenv').config({ quiet: true, override: true }); require('./app.cjs')",
}
const wins = { DATABASE_URL: 'of the store', EMPTY: '', ONLY_STORE: 'of the store', OPTIONAL: 'of the file', PORT: '80' }

function seenBy(flags: readonly string[], command: readonly string[]): unknown {
  const cwd = makeProject(files)
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  mkdirSync(join(cwd, 'node_modules'))
  symlinkSync(dotenv, join(cwd, 'node_modules/dotenv'))
  const args = [...programArgs, 'run', '--no-redact', ...flags, '--', process.execPath, ...command]
  const env = { PATH: '/usr/bin:/bin', NODE_OPTIONS: '--conditions=@finchat/source', ...withoutCache }
  return JSON.parse(execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8' }))
}

describe.each([[[]], [['--sealed']]])('a .env file beside the store, with run %j', (flags) => {
  it.each([[['--env-file=.env', 'app.cjs']], [['dotenv.cjs']]])('gives %j what the store does not have, and no more', (command) => {
    expect(seenBy(flags, command)).toEqual(wins)
  })

  it('goes before the store by the option override of dotenv', () => {
    expect(seenBy(flags, ['override.cjs'])).toEqual({ ...wins, DATABASE_URL: 'of the file', EMPTY: 'of the file' })
  })
})

describe('variables only, with a .env file', () => {
  const [commands = ''] = blocksOf('docs/cli.md').flatMap(({ text }) => (text.startsWith('node --env-file=.env') ? [text] : []))
  const project = {
    '.env': 'DATABASE_URL=postgres://user:pw@db.example/shop\nLOG_LEVEL=info\n',
    'app.js': 'console.log(process.env.DATABASE_URL, process.env.LOG_LEVEL)',
  }

  /** The lines with the program from its sources in the place of the installed one. */
  function run(lines: string, cwd: string): string {
    const called = lines.replaceAll(/node (--env-file=\S+) node_modules\/@finchat\/secrets-cli\/dist\/main\.js/g, (_, flag: string) =>
      [process.execPath, flag, ...programArgs].map((word) => `'${word}'`).join(' '),
    )
    expect(called).not.toBe(lines)
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...withoutCache }
    return execFileSync('/bin/sh', ['-ec', called], { cwd, env, encoding: 'utf8' })
  }

  it('check and run as the guide says, and as init says', async () => {
    const cwd = makeProject(project)
    onTestFinished(() => rmSync(cwd, { recursive: true }))
    const { stderr } = await programIn(cwd).run(['init', '--yes', '--provider', 'env'])
    const advised = stderr.split('\n').filter((line) => line.startsWith('  node --env-file=.env '))
    expect(advised).toHaveLength(2)
    for (const lines of [commands, advised.join('\n')])
      expect(run(lines, cwd)).toBe('DATABASE_URL\tok\tenv\t\n[redacted DATABASE_URL] info\n')
  })
})
