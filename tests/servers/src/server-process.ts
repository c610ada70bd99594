import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { searchPath } from './search-path.ts'

const watchdog = fileURLToPath(new URL('../programs/watchdog.sh', import.meta.url))

export interface ProcessOptions {
  /**
   * A folder of its own, from `serverFolder()`; holds its output and data, and goes when it is
   * stopped.
   */
  readonly folder: string
  readonly program: string
  readonly args: readonly string[]
  /** Its working folder. Default: `folder`. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The signal for an orderly end. Default: SIGTERM. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT'
  /** For a server that refuses to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

export interface ServerProcess {
  readonly pid: number
  /** The file with its output. */
  readonly log: string
  readonly isRunning: () => boolean
  /**
   * Sends a signal to the server itself: 'SIGSTOP' lets it hang, 'SIGCONT' wakes it, 'SIGKILL' is a
   * crash.
   */
  readonly signal: (name: NodeJS.Signals) => void
  readonly exited: Promise<void>
  /** Ends it, orderly if it can within 3 s; its folder stays. */
  readonly end: () => Promise<void>
}

/** A folder for a server's output and data. */
export function serverFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `finchat-${name}-`))
}

/** Starts a server that ends with this process, however this process ends. */
export async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const log = join(options.folder, 'output.log')
  const { child, pid } = await spawnWatched(options, log)
  let running = true
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running = false
      resolve()
    })
  })
  const signal = (name: NodeJS.Signals): void => {
    if (running) sendSignal(pid, name)
  }
  const end = async (): Promise<void> => {
    child.ref()
    signal(options.stopSignal ?? 'SIGTERM')
    signal('SIGCONT') // one that was stopped would not notice
    if (!(await endsWithin(3000, exited))) signal('SIGKILL')
    await exited
  }
  return { pid, log, isRunning: () => running, signal, exited, end }
}

/** It may have ended though we have not heard of it. After SIGSTOP none of its threads runs. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
    if (name === 'SIGSTOP') waitUntilStopped(pid)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** On a busy machine some threads stop milliseconds after the call, and answer meanwhile. */
function waitUntilStopped(pid: number): void {
  const end = performance.now() + 5_000
  const pause = new Int32Array(new SharedArrayBuffer(4))
  while (threadStates(pid).some((state) => !'TtZX'.includes(state)) && performance.now() < end) Atomics.wait(pause, 0, 0, 1)
}

/** proc_pid_stat(5): the state follows the name in brackets. None where there is no such folder, as on macOS. */
export function threadStates(pid: number): readonly string[] {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return []
  return readdirSync(threads).flatMap((thread) => {
    try {
      return [readFileSync(`${threads}/${thread}/stat`, 'latin1').replace(/^.*\) (.).*$/s, '$1')]
    } catch {
      return [] // it has ended
    }
  })
}

async function spawnWatched(options: ProcessOptions, log: string): Promise<{ child: ReturnType<typeof spawn>; pid: number }> {
  const { folder, program, args, cwd = folder, env, stopSignal = 'SIGTERM', user } = options
  const output = openSync(log, 'a', 0o666)
  // Handed over as text: the user that the server runs as need not be able to read this clone.
  const script = readFileSync(watchdog, 'utf8')
  const child = spawn('/bin/sh', ['-c', script, 'watchdog', folder, stopSignal.slice(3), program, ...args], {
    cwd,
    detached: true, // a group of its own, which Ctrl-C does not reach: the watchdog ends it
    env: { PATH: searchPath(), HOME: folder, LC_ALL: 'C', ...env },
    stdio: ['pipe', 'pipe', output],
    ...user,
  })
  closeSync(output)
  child.unref()
  return { child, pid: await pidFrom(child.stdout) }
}

/** The watchdog's first line. */
async function pidFrom(output: Readable | null): Promise<number> {
  if (output) for await (const line of createInterface({ input: output })) return Number(line)
  throw new Error('/bin/sh could not be run')
}

async function endsWithin(ms: number, exited: Promise<void>): Promise<boolean> {
  const giveUp = new AbortController()
  const timer = sleep(ms, false, { signal: giveUp.signal }).catch(() => false)
  const ended = await Promise.race([exited.then(() => true), timer])
  giveUp.abort()
  return ended
}

/**
 * Waits until the server has printed that it listens (another program may have its port) and
 * answers. Throws an error with its output if it ends or is silent for 20 s.
 */
export async function waitUntilReady(
  title: string,
  server: ServerProcess,
  listens: RegExp,
  answers: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + 20_000
  while (server.isRunning() && Date.now() < deadline) {
    if (listens.test(readFileSync(server.log, 'utf8')) && (await answers().catch(() => false))) return
    await sleep(10)
  }
  const what = server.isRunning() ? 'did not answer within 20 s' : 'ended as it started'
  await server.end()
  throw new StartError(`${title} ${what}. It printed:\n${readFileSync(server.log, 'utf8')}`)
}

/** A server that did not start; the message shows what it printed. */
export class StartError extends Error {
  get portWasTaken(): boolean {
    return /address (already )?in use/i.test(this.message)
  }
}

/**
 * Removes a server's folder, its data and its output. Children of a server that was killed may
 * write there for a moment.
 */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}
