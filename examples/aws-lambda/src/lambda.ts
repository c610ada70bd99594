// An execution environment of Lambda: a process that loads the bundle once, and is frozen between events.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'

export interface Lambda {
  readonly initMs: number
  /** Its answer, or the code and the message of its error; and how long that took. */
  readonly invoke: (event: object) => Promise<{ readonly answer: string; readonly ms: number }>
  readonly freeze: () => void
  readonly thaw: () => void
  readonly stop: () => void
}

const bootstrap = `
const { handler } = await import(process.argv[1])
process.send('ready')
process.on('message', async (event) => process.send((await handler(event).catch(({ code, message }) => ({ code, message }))) ?? 'done'))`

async function next(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [unknown] // what the bootstrap sends
  return typeof message === 'string' ? message : JSON.stringify(message)
}

export async function startLambda(file: string, env: NodeJS.ProcessEnv): Promise<Lambda> {
  const startedAt = performance.now()
  const args = ['--input-type=module', '--eval', bootstrap, '--', pathToFileURL(file).href]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  process.once('exit', () => child.kill('SIGKILL')) // also while it is frozen
  await next(child)
  return {
    initMs: performance.now() - startedAt,
    invoke: async (event) => {
      const invokedAt = performance.now()
      const answer = next(child)
      child.send(event)
      return { answer: await answer, ms: performance.now() - invokedAt }
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => void child.kill('SIGKILL'),
  }
}
