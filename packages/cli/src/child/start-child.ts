import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { systemCode } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { KnownError } from '../terminal/known-error.ts'

/** What a child is started with. */
export interface ChildPlan {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdio: StdioOptions
}

/** How a child ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Starts the command in the process group of this process, so that the keys of a terminal reach both. */
export function startChild({ command: [file = '', ...args], env, cwd, stdio }: ChildPlan): ChildProcess {
  try {
    const child = spawn(file, args, { env, cwd, stdio })
    return child.on('error', () => undefined) // a signal that may not be sent, as to sudo, is no crash
  } catch (error) {
    throw notStarted(error) // such as E2BIG
  }
}

/** Resolves when the child runs. */
export async function hasStarted(child: ChildProcess): Promise<void> {
  await once(child, 'spawn').catch((error: unknown) => {
    throw notStarted(error)
  })
}

/** Sends nothing where the system has no such signal: Windows has none but those that end a process. */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    child.kill(signal)
  } catch {
    // ERR_UNKNOWN_SIGNAL or ENOSYS; every other failure is an event of the child.
  }
}

/** Resolves when the child itself has ended; what it started may still run. */
export async function endingOf(child: ChildProcess): Promise<Ending> {
  // Not by `once`, which rejects when the system refuses a signal.
  if (!hasEnded(child)) await new Promise((resolve) => child.once('exit', resolve))
  return { code: child.exitCode, signal: child.signalCode }
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** The exit code that shells give: 128 and the number of the signal. */
export function exitCodeOfChild({ code, signal }: Ending): number {
  return signal === null ? (code ?? 0) : 128 + constants.signals[signal]
}

/** Node.js quotes the command and its arguments, which may hold a value. */
function notStarted(error: unknown): KnownError {
  const [problem, remedy, exitCode = exitCodes.notExecutable] = reasons[systemCode(error) ?? ''] ?? refused
  return new KnownError(problem, remedy, { code: 'CHILD', exitCode })
}

type Reason = readonly [problem: string, remedy: string, exitCode?: number]

const refused: Reason = ['the system refuses it', 'run the command alone: it may say more']

const reasons: Readonly<Record<string, Reason>> = {
  ENOENT: ['there is no such command', 'give a program in PATH, or its path: finchat-secrets run -- node app.js', exitCodes.noSuchCommand],
  EACCES: ['the command may not be executed', 'make the file executable: chmod +x FILE'],
  E2BIG: ['its variables or arguments are larger than the system takes', 'leave large secrets out by --only'],
}
