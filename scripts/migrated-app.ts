// An Express application from npm that knows nothing of us: redis-commander, which reads its password
// and its signing secret from variables. It is started by a command, and asked the same questions each time.
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

export const appSpec = 'redis-commander@0.9.0'
const program = '../node_modules/redis-commander/bin/redis-commander.js'

/** What the application needs: the names are its own. */
export const appSecrets = { HTTP_PASSWORD: 'canary-of-the-password', SSO_JWT_SECRET: 'canary-of-the-signing-secret-with-32-bytes' }

export interface Start {
  readonly folder: string
  /** What goes before `node …`, such as `finchat-secrets run --`. */
  readonly before: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly port: number
  readonly redisPort: number
}

/** What the application answered and printed, and the environment that /proc shows of every process behind the command. */
export interface Answers {
  readonly answers: Readonly<Record<string, unknown>>
  readonly environ: string
  readonly output: string
}

/** Starts it, asks, and ends it by SIGTERM, as a supervisor does. */
export async function answersOf({ folder, before, env, port, redisPort }: Start): Promise<Answers> {
  const settings = { HTTP_USER: 'admin', ADDRESS: '127.0.0.1', PORT: String(port), SSO_ENABLED: 'true', SSO_ISSUER: 'portal' }
  const app = [process.execPath, program, '--redis-host', '127.0.0.1', '--redis-port', String(redisPort), '--nosave']
  const [command = '', ...args] = [...before, ...app]
  const child = spawn(command, args, { cwd: folder, env: { ...settings, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  try {
    await waitUntilItListens(`http://127.0.0.1:${port}/`, ended, () => output)
    const environ = environOf(child.pid ?? 0)
    return { answers: await ask(`http://127.0.0.1:${port}`), environ, output }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

/** Of a process and all that it started; nothing where there is no /proc. */
function environOf(pid: number): string {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    return [readFileSync(`/proc/${pid}/environ`, 'latin1'), ...children.map(environOf)].join('\0')
  } catch {
    return ''
  }
}

async function waitUntilItListens(url: string, ended: Promise<number | null>, output: () => string): Promise<void> {
  let code: number | null | undefined
  void ended.then((status) => (code = status))
  for (let tries = 0; tries < 300; tries += 1) {
    if (code !== undefined) throw new Error(`the application ended with ${code}:\n${output()}`)
    if (
      await fetch(url).then(
        ({ status }) => status < 500,
        () => false,
      )
    )
      return
    await wait(100)
  }
  throw new Error(`the application does not listen:\n${output()}`)
}

/** Right and wrong passwords, a request with and without a token, and a token of the portal that shares the secret. */
async function ask(url: string): Promise<Record<string, unknown>> {
  const signIn = async (password: string): Promise<{ readonly ok: boolean; readonly bearerToken?: string }> => {
    const body = new URLSearchParams({ username: 'admin', password })
    return (await (await fetch(`${url}/signin`, { method: 'POST', body })).json()) as { ok: boolean; bearerToken?: string } // of the application
  }
  const { ok, bearerToken } = await signIn(appSecrets.HTTP_PASSWORD)
  const connections = await fetch(`${url}/config`, { headers: { authorization: `Bearer ${bearerToken}` } })
  const sso = async (secret: string): Promise<number> =>
    (await fetch(`${url}/sso?access_token=${portalToken(secret)}`, { redirect: 'manual' })).status
  return {
    rightPassword: ok,
    wrongPassword: (await signIn('another')).ok,
    withToken: await connections.json(),
    withoutToken: (await fetch(`${url}/config`)).status,
    rightSecret: await sso(appSecrets.SSO_JWT_SECRET),
    wrongSecret: await sso('another'),
  }
}

function portalToken(secret: string): string {
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url')
  const now = Math.floor(Date.now() / 1_000)
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: 'portal', sub: 'ada', iat: now, exp: now + 60 })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
