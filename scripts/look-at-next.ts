// Serves the copied and built examples/nextjs-app, and looks at its page in a browser.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { lookAtLinks } from '../docs/look-at-links.ts'

export async function lookAtNext(folder: string, program: string, ownEnv: NodeJS.ProcessEnv): Promise<string[]> {
  const secret = randomBytes(24).toString('base64url')
  const env = { ...ownEnv, LINK_KEY: secret, NEXT_TELEMETRY_DISABLED: '1' }
  const args = ['node_modules/next/dist/bin/next', 'start', '--port', '0', '--hostname', '127.0.0.1']
  const server = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    for await (const line of createInterface(server.stdout)) {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
      if (url !== undefined) return await lookAtLinks({ url, program, secret })
    }
    return ['next start has ended']
  } finally {
    const exit = once(server, 'exit')
    if (server.kill('SIGTERM')) await exit
  }
}
