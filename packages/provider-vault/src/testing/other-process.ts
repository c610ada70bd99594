import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Runs a script of this folder in another process; `kill` ends it at once. */
export function startProcess(
  script: string,
  args: readonly string[],
): { readonly child: ChildProcess; readonly kill: () => Promise<void> } {
  const child = fork(join(import.meta.dirname, script), [...args], { execArgv: ['--conditions=@finchat/source'] })
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  return { child, kill }
}
