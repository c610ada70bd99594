import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { constants } from 'node:os'
import { type Duplex, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { systemCode } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { KnownError } from '../terminal/failure.ts'
import type { Output, Terminal } from '../terminal/terminal.ts'
import { Redactor, type SecretText } from './redactor.ts'

export interface ChildCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Record<string, string>
  /** What its output must not show. */
  readonly values: readonly SecretText[]
  /** `true`: also on a terminal, which the child then does not see; `false`: nowhere. Default: where it is no terminal. */
  readonly redacts?: boolean | undefined
  /** Gets our side of a pipe that the child inherits as descriptor 3. */
  readonly onPipe?: ((pipe: Duplex) => void) | undefined
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number
  readonly signal: NodeJS.Signals | undefined
}

/** On a terminal these reach the child by themselves, as it is of the same process group. */
const ofTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']
const passed: readonly NodeJS.Signals[] = [...ofTerminal, 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

/** Runs a command to its end. Signals are passed on; its input is ours; its output is redacted. */
export async function runChild(spec: ChildCommand, terminal: Terminal): Promise<ChildEnd> {
  const { stdout, stderr } = terminal
  const [out, error] = [stdout, stderr].map((output) => (isRedacted(spec, output) || !isOwn(output) ? 'pipe' : 'inherit'))
  const stdin = isOwn(terminal.stdin) ? 'inherit' : 'pipe'
  const pipe = spec.onPipe === undefined ? [] : ['pipe']
  const stopPassing = passSignals(terminal, () => child)
  let child: ChildProcess | undefined
  try {
    child = spawn(spec.command, [...spec.args], { cwd: terminal.cwd(), env: spec.env, stdio: [stdin, out, error, ...pipe] as StdioOptions })
    if (spec.onPipe !== undefined) spec.onPipe(child.stdio[3] as Duplex) // by `pipe`
    const ended = endOf(child)
    if (child.stdin !== null) void pipeline(terminal.stdin, child.stdin).catch(() => undefined) // it may end without reading
    const valuesIn = (output: Output): readonly SecretText[] => (isRedacted(spec, output) ? spec.values : [])
    await Promise.all([shown(child.stdout, valuesIn(stdout), stdout), shown(child.stderr, valuesIn(stderr), stderr), ended])
    return await ended
  } finally {
    child?.stdio[3]?.destroy() // a program that the child left behind may hold the other side
    stopPassing()
  }
}

function isRedacted({ redacts, values }: ChildCommand, { isTTY }: Output): boolean {
  return values.length > 0 && (redacts ?? isTTY !== true)
}

/** Whether the stream is a descriptor of this process, which a child can have too. */
function isOwn(stream: object): boolean {
  return typeof Reflect.get(stream, 'fd') === 'number'
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(notStarted(error)))
    child.once('exit', (code, signal) =>
      resolve({ code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], signal: signal ?? undefined }),
    )
  })
}

/** Its arguments are not quoted: one may be a secret. */
function notStarted(error: unknown): KnownError {
  const isDenied = ['EACCES', 'EPERM', 'ENOEXEC'].includes(systemCode(error) ?? '')
  return isDenied
    ? new KnownError('the command may not be executed', 'make it executable: chmod +x', {
        code: 'CHILD',
        exitCode: exitCodes.notExecutable,
      })
    : new KnownError('there is no such command', 'write the command and each argument as words of their own: run -- node app.js', {
        code: 'CHILD',
        exitCode: exitCodes.noSuchCommand,
      })
}

function passSignals({ stdin }: Terminal, child: () => ChildProcess | undefined): () => void {
  const listeners = passed.map((signal) => {
    const pass = (): void => void (stdin.isTTY && ofTerminal.includes(signal) ? undefined : child()?.kill(signal))
    process.on(signal, pass)
    return [signal, pass] as const
  })
  return () => {
    for (const [signal, pass] of listeners) process.off(signal, pass)
  }
}

/** So long nobody writes before a held beginning is shown. */
const quietMs = 50

async function shown(stream: NodeJS.ReadableStream | null, values: readonly SecretText[], output: Output): Promise<void> {
  if (stream === null) return
  const redactor = new Redactor(values)
  let quiet: NodeJS.Timeout | undefined
  const redacting = new Transform({
    transform(chunk: Buffer, _, done) {
      clearTimeout(quiet)
      quiet = setTimeout(() => this.push(redactor.release()), quietMs)
      done(null, redactor.push(chunk))
    },
    flush(done) {
      clearTimeout(quiet)
      done(null, redactor.end())
    },
  })
  // Whoever read our output may be gone: then the child meets that at its next write.
  await pipeline(stream, redacting, sinkOf(output), { end: false }).catch(() => undefined)
  clearTimeout(quiet)
}

function sinkOf(output: Output): Writable {
  if (output instanceof Writable) return output
  return new Writable({
    write(chunk: Buffer, _, done) {
      output.write(chunk)
      done()
    },
  })
}
