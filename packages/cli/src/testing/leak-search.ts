import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { leaksOf } from '@finchat/secrets-testkit'
import { type Outcome, programIn } from './run-program.ts'

/** One call of the program. */
export interface Step {
  readonly args: readonly string[]
  readonly input?: string
  readonly onTerminal?: boolean
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** Values are asked for, in the output or in a file. */
  readonly isAsked?: boolean
}

/** Calls without input, as they are typed. */
export function steps(...lines: readonly string[]): Step[] {
  return lines.map((line) => ({ args: line.split(' ') }))
}

/** Also with `--json`, and on a terminal. */
export function inEachWay(...lines: readonly string[]): Step[] {
  return steps(...lines).flatMap((step) => [step, { args: [...step.args, '--json'] }, { ...step, onTerminal: true }])
}

/** Runs steps, and looks for a canary, and parts of it, in what they print, throw and leave. */
export class LeakSearch {
  readonly found: string[] = []
  /** The commands that did what they are for, at least once. */
  readonly done: Set<string> = new Set()
  readonly #canary: string
  readonly #folder: string
  readonly #env: Record<string, string>
  /** What failed since the last step. */
  readonly #errors: unknown[]

  constructor(canary: string, folder: string, env: Record<string, string>, errors: unknown[]) {
    this.#canary = canary
    this.#folder = folder
    this.#env = env
    this.#errors = errors
  }

  async follow(all: readonly Step[]): Promise<void> {
    for (const step of all) await this.#follow(step)
  }

  async #follow({ args, input, onTerminal = false, env = {}, cwd = this.#folder, isAsked = false }: Step): Promise<void> {
    this.#errors.length = 0
    const { run, show } = programIn(cwd, { ...this.#env, ...env })
    const { code, stdout, stderr }: Outcome = onTerminal ? await show(args) : await run(args, input)
    // V8 remembers what a regular expression was last used on. The parser of arguments uses one.
    const remembered = args.some((arg) => this.#isIn(arg)) ? '' : RegExp.input
    if (code === 0 || code === 1) this.done.add(args[0] ?? '')
    const places = { stdout: isAsked ? '' : stdout, stderr, error: this.#errors, 'RegExp.input': remembered }
    for (const [place, thing] of Object.entries(places)) if (this.#isIn(thing)) this.found.push(`${args.slice(0, 3).join(' ')}: ${place}`)
  }

  /** Names and contents of the files in a folder. */
  search(folder: string, except: readonly string[]): void {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (this.#isIn(entry.name)) this.found.push('the name of a file')
      const isSearched = entry.isFile() && !except.includes(entry.name)
      if (isSearched && this.#isIn(readFileSync(join(entry.parentPath, entry.name)))) this.found.push(`the file ${entry.name}`)
    }
  }

  /** Eight characters of it tell enough to be searched for. */
  #isIn(thing: unknown): boolean {
    const text = (thing instanceof Uint8Array ? Buffer.from(thing).toString('latin1') : String(thing)).toLowerCase()
    const parts = Array.from({ length: this.#canary.length - 7 }, (_, at) => this.#canary.slice(at, at + 8).toLowerCase())
    return parts.some((part) => text.includes(part)) || leaksOf(thing, this.#canary).length > 0
  }
}
