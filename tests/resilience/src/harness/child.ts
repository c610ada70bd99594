import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What stands before the program's own arguments to run a TypeScript file of ours from source. */
const flags = ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning']

/** `npm test` sets it, and it would switch ours off too. */
const { NODE_DISABLE_COMPILE_CACHE: _, ...inherited } = process.env

/**
 * Compiled once for all: a process that is to be killed in a moment should not cost more than that.
 * In this repository, since Node runs what it finds compiled.
 */
const env = { ...inherited, NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../../.cache/compiled', import.meta.url)) }

export interface StartOptions {
  readonly stdio?: StdioOptions
  /** A program, with its arguments, that starts ours and follows it, such as strace. */
  readonly under?: readonly string[]
}

/**
 * Starts one of our programs, which finds its `orders` by `givenOrders`. It is ended with this
 * process at the latest.
 */
export function start(
  program: string,
  orders: unknown,
  { stdio = ['pipe', 'pipe', 'inherit'], under = [] }: StartOptions = {},
): ChildProcess {
  const [command = process.execPath, ...before] = under
  const own = [...flags, program, JSON.stringify(orders)]
  const child = spawn(command, under.length === 0 ? own : [...before, process.execPath, ...own], { stdio, env })
  if (running.size === 0) process.on('exit', endAll)
  running.add(child)
  child.once('exit', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', endAll)
  })
  return child
}

const running = new Set<ChildProcess>()

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * Resolves when the process is gone and its output read, to its exit code; `null` if a signal ended
 * it.
 */
export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}

/** The orders that the parent process gave to this one. */
export function givenOrders(): unknown {
  return JSON.parse(process.argv[2] ?? 'null')
}
