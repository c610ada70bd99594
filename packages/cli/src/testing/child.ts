import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './run-program.ts'

const main: string = fileURLToPath(new URL('../main.ts', import.meta.url))

/** The program from its sources, as Node.js runs it. */
export const programArgs: readonly string[] = ['--conditions=@finchat/source', main]

/** No folder can be made there: tests leave nothing in the cache of the user who runs them. */
export const withoutCache: Readonly<Record<string, string>> = { XDG_CACHE_HOME: '/dev/null' }

export interface ChildOptions {
  readonly cwd: string
  readonly env?: Record<string, string>
  readonly input?: string
  /** Arguments of Node.js before the program. */
  readonly node?: readonly string[]
  readonly program?: string
}

/** Runs the program in a process of its own, with pipes. */
export function runChild(
  args: readonly string[],
  { cwd, env = {}, input = '', node = [], program = main }: ChildOptions,
): Promise<Outcome> {
  const child = spawn(process.execPath, [...node, '--conditions=@finchat/source', program, ...args], {
    cwd,
    env: { PATH: '', ...withoutCache, ...env },
  })
  const [stdout, stderr]: Buffer[][] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => stdout?.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr?.push(chunk))
  child.stdin.on('error', () => undefined) // it may have ended without reading
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(stdout ?? []).toString(), stderr: Buffer.concat(stderr ?? []).toString() }),
    )
  })
}
