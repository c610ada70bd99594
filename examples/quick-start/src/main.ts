// `npm start`: a secret's whole life, for real, in a folder that is removed at the end.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseEnv } from 'node:util'
import { SecretsError } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'
import { faults, faultyProvider } from '@finchat/secrets-testkit'
import { loadSettings, mayEnter, openSecrets } from './app.ts'
import { heading, line, listing, refusal, step, table } from './screen.ts'

const importedNames = ['FINCHAT_TOKEN', 'DATABASE', 'WEBHOOK_SECRET']

const folder = await mkdtemp(join(tmpdir(), 'finchat-secrets-demo-'))
const path = join(folder, 'secrets.db')
const dotEnv = parseEnv(await readFile(new URL('../demo.env', import.meta.url), 'utf8'))
const oldToken = String(dotEnv['FINCHAT_TOKEN'])

// The store can be unplugged, so that an outage can be shown.
let unplugged = false
const store = faultyProvider(localProvider({ path, key: generateKey() }), () => (unplugged ? faults.reject('UNAVAILABLE') : undefined))
const secrets = openSecrets(store, { LOG_LEVEL: dotEnv['LOG_LEVEL'], REGION: dotEnv['REGION'] })
// Instead of on standard error, where Node prints it.
process.removeAllListeners('warning').on('warning', ({ message }) => line('note', 'process warning', message))

try {
  heading('@finchat/secrets: a secret’s whole life', 'A chain of two providers: local (an encrypted store), then env (variables).')
  await importDotEnv()
  await readThroughTheChain()
  await startTheApplication()
  await rotate()
  await loseTheStore()
  await lookAtTheDisk()
  await report()
  whatNext()
} finally {
  await secrets.close()
  await rm(folder, { recursive: true })
}

async function importDotEnv(): Promise<void> {
  step(1, 'Import demo.env into the encrypted store')
  for (const name of importedNames) {
    const { provider, version } = await secrets.storeSecret(name, String(dotEnv[name]), { version: 1, tags: { source: 'demo.env' } })
    line('ok', name, `sealed in ${provider}, version ${version}`)
  }
  line('ok', 'LOG_LEVEL, REGION', 'stay environment variables')
}

async function readThroughTheChain(): Promise<void> {
  step(2, 'Read through the chain')
  const rows = await Promise.all(
    [...importedNames, 'LOG_LEVEL'].map(async (name) => {
      const value = await secrets.getSecretValue(name)
      return [name, value.provider, String(value.version ?? '-'), value.toString()]
    }),
  )
  table(['name', 'answered by', 'version', 'printed as'], rows)
  await refused('NO_SUCH_SECRET', secrets.getSecret('NO_SUCH_SECRET'))
}

async function startTheApplication(): Promise<void> {
  step(3, 'Start the application with what it needs, in one batch')
  const settings = await loadSettings(secrets)
  line('ok', 'loadSecrets', `2 fields of DATABASE and LOG_LEVEL=${settings.logLevel}`)
}

async function rotate(): Promise<void> {
  step(4, 'Rotate the token and verify what callers present')
  const newToken = `${oldToken}-rotated`
  const { version } = await secrets.rotateSecret('FINCHAT_TOKEN', newToken, { version: 2 })
  line('ok', 'rotateSecret', `version ${version} is current, version 1 is kept`)
  await refused('version 2 once more', secrets.rotateSecret('FINCHAT_TOKEN', 'other', { version: 2 }))
  for (const [what, presented] of [
    ['the new token', newToken],
    ['the old one, for 10 minutes', oldToken],
    ['a wrong one', 'guess'],
  ] as const) {
    const isRight = await mayEnter(secrets, presented)
    line(isRight ? 'ok' : 'no', what, isRight ? 'accepted' : 'refused')
  }
}

async function loseTheStore(): Promise<void> {
  step(5, 'Lose the store: an outage is never "no such secret"')
  unplugged = true
  line('ok', 'FINCHAT_TOKEN, still in memory', await answer('FINCHAT_TOKEN'))
  line('note', 'REGION, not in memory', await answer('REGION'))
  await nextTurn()
  await refused('NEVER_READ', secrets.getSecret('NEVER_READ'))
  unplugged = false
}

async function lookAtTheDisk(): Promise<void> {
  step(6, 'Look at the disk')
  const files = await readdir(folder)
  const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(join(folder, file)))))
  const found = importedNames.filter((name) => bytes.includes(String(dotEnv[name])))
  line(
    found.length === 0 ? 'ok' : 'no',
    `${bytes.length} bytes in ${files.length} files`,
    `${found.length} of ${importedNames.length} secrets found in plain text`,
  )
  line('ok', 'who may read them', `mode ${((await stat(path)).mode & 0o777).toString(8).padStart(4, '0')}`)
}

async function report(): Promise<void> {
  step(7, 'Report')
  const { providers } = secrets.cacheStats()
  const health = await secrets.checkHealth()
  const rows = Object.entries(providers).map(([name, { hits, misses, hitRatio, entries }]) => {
    return [name, health.providers[name]?.status ?? '-', String(hits), String(misses), `${Math.round(hitRatio * 100)} %`, String(entries)]
  })
  table(['provider', 'health', 'hits', 'misses', 'hit ratio', 'in memory'], rows)
}

function whatNext(): void {
  step(8, 'Copy this next')
  listing([
    'npm install @finchat/secrets-core @finchat/secrets-provider-local',
    `export FINCHAT_ENCRYPTION_KEY=$(node -p "require('@finchat/secrets-provider-local').generateKey()")`,
    '',
    "import { createSecretsManager, envProvider } from '@finchat/secrets-core'",
    "import { localProvider } from '@finchat/secrets-provider-local'",
    '',
    'const key = process.env.FINCHAT_ENCRYPTION_KEY',
    "const secrets = createSecretsManager({ providers: [localProvider({ path: '.secrets.db', key }), envProvider()] })",
    "const token = await secrets.getSecret('FINCHAT_TOKEN')",
  ])
  console.log('\n   The application shown here is src/app.ts of examples/quick-start.')
  if (process.env['DEMO_NEXT']) console.log(`   ${process.env['DEMO_NEXT']}\n`)
}

async function answer(name: string): Promise<string> {
  const { provider, stale, degraded } = await secrets.getSecretValue(name)
  return `answered by ${provider}${stale ? ', stale' : ''}${degraded ? ', degraded' : ''}`
}

async function refused(what: string, call: Promise<unknown>): Promise<void> {
  try {
    await call
    line('note', what, 'unexpectedly succeeded')
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    refusal(what, error.code, error.message)
  }
}
