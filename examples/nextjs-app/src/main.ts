// `npm start`: builds and starts the application, and looks for its secret in all that a browser gets.
import { spawn, spawnSync } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSecretsManager } from '@finchat/secrets-core'
import { generateKey, localProvider } from '@finchat/secrets-provider-local'

const root = fileURLToPath(new URL('..', import.meta.url))
const next = join(root, 'node_modules/next/dist/bin/next')
const ownEnv = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
const key = randomBytes(32).toString('base64url')
const print = (what: string, result: string): void => console.log(`   ${what.padEnd(32)} ${result}`)

function build(): void {
  console.log('1  next build, which needs no secret')
  const { status, stdout, stderr } = spawnSync(process.execPath, [next, 'build'], { cwd: root, env: ownEnv, encoding: 'utf8' })
  if (status !== 0) throw new Error(`next build failed:\n${stdout}${stderr}`)
  const files = readdirSync(join(root, '.next/static'), { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
  print('files for the browser', texts.length > 0 ? 'written' : 'none')
  print('with the button', texts.some((text) => text.includes('The link of order 2')) ? 'found' : 'none')
  print('with the name of the secret', String(texts.filter((text) => text.includes('LINK_KEY')).length))
  print('with code of @finchat/secrets', String(texts.filter((text) => /finchat|getSecret/i.test(text)).length))
}

/** Its address, once it listens. */
async function start(env: NodeJS.ProcessEnv): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [next, 'start', '--port', '0'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = async (): Promise<void> => {
    const exit = once(child, 'exit')
    if (child.kill('SIGTERM')) await exit
  }
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/localhost:\d+/.exec(line)?.[0]
    if (url !== undefined) return { url, stop }
  }
  throw new Error('next start has ended')
}

async function ask(url: string): Promise<void> {
  const signature = (order: number): string => createHmac('sha256', key).update(String(order)).digest('hex')
  const answers = { '/': signature(1), '/api/link?order=2': signature(2), '/readyz': '"ok":true' }
  for (const [path, expected] of Object.entries(answers)) {
    const text = await (await fetch(url + path)).text()
    if (!text.includes(expected) || text.includes(key)) process.exitCode = 1
    print(path, `${text.includes(expected) ? 'as expected' : 'wrong'}, ${text.split(key).length - 1} times the secret`)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'finchat-nextjs-'))
const store = { path: join(folder, 'secrets.db'), key: generateKey() }
const writer = createSecretsManager({ providers: [localProvider(store)] })
try {
  build()
  console.log('\n2  next start, with the secret in an encrypted store')
  await writer.storeSecret('LINK_KEY', key)
  const found = { FINCHAT_SECRETS_PROVIDER: 'local', FINCHAT_LOCAL_PATH: store.path, FINCHAT_ENCRYPTION_KEY: store.key }
  const { url, stop } = await start({ ...ownEnv, ...found })
  try {
    await ask(url)
  } finally {
    await stop()
  }
} finally {
  await writer.close()
  rmSync(folder, { recursive: true })
}
