import { type ChildProcessWithoutNullStreams, spawn, type SpawnOptionsWithoutStdio } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A process that writes to a store beside this one, or is killed while it writes. */
export interface OtherProcess {
  readonly child: ChildProcessWithoutNullStreams
  /** Versions that it acknowledged. */
  readonly acknowledged: () => number[]
  /** Starts writing; resolves with the first write. */
  readonly start: () => Promise<void>
  readonly exited: Promise<unknown>
}

/** Resolves when the process waits to start. */
export async function otherProcess(path: string, count: number, options: SpawnOptionsWithoutStdio = {}): Promise<OtherProcess> {
  const script = join(import.meta.dirname, 'writing-process.ts')
  const child = spawn(
    process.execPath,
    ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning', script, path, String(count)],
    options,
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const exited = once(child, 'close')
  const hasPrinted = async (lines: number): Promise<void> => {
    while (wholeLines(printed).length < lines) {
      await Promise.race([once(child.stdout, 'data'), exited])
      if (child.exitCode !== null && wholeLines(printed).length < lines) throw new Error(`the other process ended with ${child.exitCode}`)
    }
  }
  await hasPrinted(1)
  return {
    child,
    exited,
    acknowledged: () => wholeLines(printed).slice(1).map(Number),
    start: async () => {
      child.stdin.end('\n')
      await hasPrinted(2)
    },
  }
}

/** Drops the unfinished last line of a killed process. */
function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
