import type { ChildProcess } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pause } from '@finchat/secrets-core/provider'
import { note, type Output, type Terminal } from '../terminal/terminal.ts'
import { endChild } from './end-child.ts'
import { type OutputPipe, outputPipe } from './output-pipe.ts'
import { showRedacted, type Shown } from './output.ts'
import { leastRedactedBytes, RedactedValues, type SecretText } from './redacted-values.ts'
import { Redactor } from './redactor.ts'
import { SignalRelay } from './signals.ts'
import { type Ending, endingOf, hasEnded, hasStarted, signalChild, startChild } from './start-child.ts'

/** What stays the same when a child is started again. */
export interface SupervisorOptions {
  readonly command: readonly string[]
  readonly terminal: Terminal
  /** True: all output goes through the redactor; false: none. By default what is no terminal. */
  readonly redact: boolean | undefined
  /** How long a child may take to end before it is killed. */
  readonly killAfterMs: number
}

/** What changes by a rotation: the environment, and the values in it. */
export interface Launch {
  readonly env: Readonly<Record<string, string>>
  readonly values: readonly SecretText[]
  /** Gets our side of a pipe that the child inherits as descriptor 3. */
  readonly onPipe?: ((pipe: Duplex) => void) | undefined
}

/** Where an output of the child goes: to a pipe, or to where this process writes. */
interface ChildStream {
  readonly target: number | 'pipe' | 'inherit'
  readonly pipe: OutputPipe | undefined
}

const toEnd: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT']

/** By these a service reopens or reloads; a program that does not handle them ends. */
const toHold: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2']

/** So long a new child may take until it handles signals: earlier ones would end it. */
const readyMs = 5_000

const warnings = {
  unwritten: 'part of the output could not be written',
  left: 'the command has ended, but left a program behind that holds its output: what that writes is not shown',
} satisfies Partial<Record<Shown, string>>

/** Starts a child, passes signals on to it, shows its output without values, and replaces it by another one. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #outputs: Promise<Shown>[] = []
  /** The last child has ended. */
  readonly #over = new AbortController()
  /** Former ones too: the next child may print what the last one wrote down. */
  readonly #values = new RedactedValues()
  #signals: SignalRelay | undefined
  #child: ChildProcess | undefined
  #replacing: Promise<boolean> | undefined
  /** Ends some time after it: signals that came meanwhile are for the next child. */
  #settled: Promise<void> | undefined
  /** The child has SIGTERM by a restart: many programs take a second one for an order to end at once. */
  #isEnding = false
  #isToEnd = false

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  async start({ env, values, onPipe }: Launch): Promise<void> {
    const { command, terminal } = this.#options
    this.learn(values)
    const stdin = typeof Reflect.get(terminal.stdin, 'fd') === 'number' ? 'inherit' : 'pipe'
    const [out, error] = [this.#stream(terminal.stdout), this.#stream(terminal.stderr)]
    this.#signals ??= new SignalRelay(this) // the child may be stopped by a key as soon as it runs
    try {
      this.#child = startChild({
        command,
        env,
        cwd: terminal.cwd(),
        stdio: [stdin, out.target, error.target, ...(onPipe === undefined ? [] : ['pipe' as const])],
      })
    } finally {
      for (const { pipe } of [out, error]) pipe?.closeWriteEnd()
    }
    this.#signals.watchGroup()
    this.#show(out.pipe?.source ?? this.#child.stdout, error.pipe?.source ?? this.#child.stderr)
    this.#connect(this.#child, onPipe)
    await hasStarted(this.#child)
  }

  #connect(child: ChildProcess, onPipe: Launch['onPipe']): void {
    if (child.stdin !== null) void pipeline(this.#options.terminal.stdin, child.stdin).catch(() => undefined) // it may end without reading
    const pipe = child.stdio[3] as Duplex | null | undefined // by `pipe`
    if (pipe === null || pipe === undefined) return
    onPipe?.(pipe)
    child.once('exit', () => pipe.destroy()) // a program that the child left behind may hold the other side
  }

  /** Names of values, or of which a part, that are too short to redact; none if nothing is redacted. */
  unredacted(values: readonly SecretText[]): string[] {
    if (!this.#isAnyRedacted()) return []
    const short = values.filter(({ bytes }) => bytes.length < leastRedactedBytes)
    const whole = new Set(short.filter(({ isPart }) => !isPart).map(({ name }) => name))
    const parts = new Set(short.filter(({ isPart, name }) => isPart && !whole.has(name)).map(({ name }) => `a part of ${name}`))
    return [...whole, ...parts]
  }

  /** Keeps these values out of the output as well: the child may read them by itself. */
  learn(values: readonly SecretText[]): void {
    if (this.#isAnyRedacted()) this.#values.learn(values)
  }

  send(signal: NodeJS.Signals): void {
    if (this.#child !== undefined) signalChild(this.#child, signal)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** A signal to this process, which `isSent` to the child too, or is passed on. */
  async hear(signal: NodeJS.Signals, isSent: Promise<boolean>): Promise<void> {
    if (toEnd.includes(signal)) this.#isToEnd = true
    if (toHold.includes(signal)) await this.#settled
    if (signal === 'SIGTERM' && this.#isEnding) return
    if (!(await isSent)) this.send(signal)
  }

  /**
   * Ends the child, and starts one with other values, unless it ends by itself or this process is to
   * end. `changed` are the names of those values. Returns false if it cannot be ended.
   */
  async restart(launch: Launch, changed: readonly string[]): Promise<boolean> {
    const child = this.#child
    if (child === undefined || hasEnded(child) || this.#isToEnd) return true
    note(this.#options.terminal, `changed: ${changed.join(', ')}; the command is started anew`)
    this.#replacing = this.#replace(child, launch)
    this.#settled = this.#replacing.then(
      async () => this.#settle(),
      () => undefined,
    )
    return this.#replacing
  }

  /** Resolves when the last child has ended, and what it wrote is shown; what it left behind may still run. */
  async ended(): Promise<Ending> {
    for (;;) {
      const child = this.#child
      if (child === undefined) throw new TypeError('no child was started')
      const ending = await endingOf(child)
      await this.#replacing
      if (child !== this.#child) continue
      this.stopHearing() // a reader that is stuck must not keep Ctrl-C from this process
      this.#over.abort()
      const shown = await Promise.all(this.#outputs)
      for (const [kind, text] of Object.entries(warnings))
        if (shown.includes(kind as Shown)) note(this.#options.terminal, `warning: ${text}`)
      return ending
    }
  }

  async #replace(child: ChildProcess, launch: Launch): Promise<boolean> {
    const { killAfterMs, terminal } = this.#options
    this.#isEnding = true
    const isEnded = await endChild(child, killAfterMs, (text) => note(terminal, `warning: ${text}`))
    this.#isEnding = false
    if (isEnded && !this.#isToEnd) await this.start(launch)
    return isEnded
  }

  /** Resolves when a new child may be taken to handle signals. */
  async #settle(): Promise<void> {
    if (this.#child !== undefined) await pause(readyMs, undefined, endingOf(this.#child))
  }

  #isAnyRedacted(): boolean {
    const { stdout, stderr } = this.#options.terminal
    return this.#isRedacted(stdout) || this.#isRedacted(stderr)
  }

  #isRedacted({ isTTY }: Output): boolean {
    return this.#options.redact ?? isTTY !== true
  }

  #stream(output: Output): ChildStream {
    if (!this.#isRedacted(output)) return { target: output.fd === undefined ? 'pipe' : 'inherit', pipe: undefined }
    const pipe = outputPipe()
    return { target: pipe?.writeEnd ?? 'pipe', pipe }
  }

  #show(out: Readable | null, error: Readable | null): void {
    if (out === null && error === null) return
    const { stdout, stderr } = this.#options.terminal
    const show = (source: Readable, output: Output): void => {
      const values = this.#isRedacted(output) ? this.#values : new RedactedValues()
      this.#outputs.push(showRedacted(source, output, new Redactor(values), this.#over.signal))
    }
    if (out !== null) show(out, stdout)
    if (error !== null) show(error, stderr)
  }

  /** Signals end this process again. */
  stopHearing(): void {
    this.#signals?.end()
  }
}
