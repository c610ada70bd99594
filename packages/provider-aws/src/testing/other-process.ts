import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

interface Write {
  readonly endpoint: string
  readonly path: string
  readonly value: string
  readonly version: number
}

/** Starts one write in a process of its own; `kill` ends it there and then. */
export function startWriter({ endpoint, path, value, version }: Write): { readonly kill: () => Promise<void> } {
  const script = join(import.meta.dirname, 'writing-process.ts')
  const child = spawn(process.execPath, ['--conditions=@finchat/source', script, endpoint, path, value, String(version)], {
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  return { kill }
}
