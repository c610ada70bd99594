import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { programArgs, withoutCache } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'

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
