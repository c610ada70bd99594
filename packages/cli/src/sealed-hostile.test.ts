import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { isDecoy } from './decoys/decoy.ts'
import { runChild } from './testing/child.ts'
import { attacks } from './testing/hostile-attacks.ts'
import { makeProject } from './testing/make-project.ts'

type Gets = 'nothing' | 'decoy' | 'the value'

const value = 'sk_live_CanaryCanaryCanaryCanary'
const key = randomBytes(32)
const hostile = fileURLToPath(new URL('testing/hostile-process.ts', import.meta.url))
const register = new URL('register.ts', import.meta.url).href

/** Runs a command in a project whose wrapper has the value from a folder of files. */
async function run(flags: readonly string[], command: readonly string[]): Promise<{ readonly output: string; readonly folder: string }> {
  const config = {
    provider: 'mounted',
    fallbacks: [],
    mounted: { folder: 'mounted' },
    decoys: { key: { file: 'key' } },
    secrets: { TOKEN: {} },
  }
  const cwd = makeProject({ 'finchat-secrets.config.json': JSON.stringify(config), 'mounted/TOKEN': value, key: key.toString('base64') })
  const folder = mkdtempSync(join(tmpdir(), 'secrets-hostile-'))
  for (const name of ['home', 'tmp']) mkdirSync(join(folder, name))
  const options = '--conditions=@finchat/source'
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    NODE_OPTIONS: options,
    HOSTILE_OPTIONS: `${options} --import=${register}`,
  }
  const { stdout, stderr } = await runChild(['run', '--no-redact', ...flags, '--', ...command], { cwd, env })
  return { output: stdout + stderr, folder }
}

const sealed = ['--sealed', '--decoys']

function got(seen: string | readonly string[]): Gets {
  const tokens = typeof seen === 'string' ? (seen.match(/sk_live_[0-9A-Za-z]{24}/g) ?? []) : seen
  if (tokens.includes(value)) return 'the value'
  return tokens.some((token) => isDecoy(key, token)) ? 'decoy' : 'nothing'
}

async function outcomesOf(flags: readonly string[]): Promise<Readonly<Record<string, Gets>>> {
  const { output } = await run(flags, [process.execPath, hostile])
  return Object.fromEntries(Object.entries(JSON.parse(output) as Record<string, string[]>).map(([name, seen]) => [name, got(seen)]))
}

it('prints', async () => {
  console.log(await outcomesOf([]), await outcomesOf(sealed), Object.keys(attacks).length)
})
