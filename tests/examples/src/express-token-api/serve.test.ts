import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const program = fileURLToPath(new URL('../../../../examples/express-token-api/src/serve.ts', import.meta.url))

interface Served {
  readonly child: ChildProcess
  readonly url: string
  readonly log: Promise<string>
}

async function serve(variables: NodeJS.ProcessEnv): Promise<Served> {
  const { API_TOKEN: _, ...env } = process.env
  const child = spawn(process.execPath, ['--conditions=@finchat/source', program], { env: { ...env, PORT: '0', ...variables } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const log = text(child.stderr)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string] // a line is text
  return { child, url: line.replace('listening on ', ''), log }
}

async function statusOf(url: string, token?: string): Promise<number> {
  const headers = { connection: 'close', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  return (await fetch(url, { headers })).status
}

test('without its token the Express example answers 503, and its log names the secret once', async () => {
  const { child, url, log } = await serve({})
  for (const token of ['example', 'guess', 'example']) expect(await statusOf(`${url}/orders`, token)).toBe(503)
  expect(await statusOf(`${url}/orders`)).toBe(401)
  expect(await statusOf(`${url}/readyz`)).toBe(503)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect((await log).match(/API_TOKEN/g)).toHaveLength(1)
})

test('with its token the Express example answers 401 to another one, and logs nothing', async () => {
  const { child, url, log } = await serve({ API_TOKEN: 'example' })
  expect([await statusOf(`${url}/orders`, 'example'), await statusOf(`${url}/orders`, 'guess')]).toEqual([200, 401])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await log).toBe('')
})
