import { isDeepStrictEqual } from 'node:util'
import type { SecretsManager } from '@finchat/secrets-core'
import { loadOnUse, SecretsError, textOrBytes } from '@finchat/secrets-core/provider'
import type { SecretText } from '../child/redacted-values.ts'
import { secretParts } from '../forms/secret-parts.ts'
import { followRotation } from '../child/follow-rotation.ts'
import { endBySignal } from '../child/signals.ts'
import { type Ending, exitCodeOfChild } from '../child/start-child.ts'
import { type Launch, Supervisor } from '../child/supervisor.ts'
import { assertVariableName, childVariables } from '../child/variables.ts'
import type { DeclaredSecret } from '../config/config.ts'
import { meantOr, namesToFollow } from '../config/declared-names.ts'
import type { Settings } from '../config/load-config.ts'
import type { SealedVariables } from '../sealed/give-values.ts'
import { matchesGlob } from '../transfer/name-glob.ts'
import { failureOf, UsageError } from '../terminal/failure.ts'
import { note, operator, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained, withReadable } from '../commands/context.ts'
import { assertUsable, readDeclared, type ReadDeclaredOptions, warnOfDoubts } from '../commands/declared.ts'

/** What happens to the command when a secret rotates. */
export type OnRotation = 'none' | 'restart' | ToSignal

interface ToSignal {
  readonly signal: NodeJS.Signals
}

interface RunFlags extends CommonFlags {
  readonly only?: readonly string[]
  readonly pristine?: boolean
  readonly keepCredentials?: boolean
  readonly redact?: boolean
  readonly sealed?: boolean
  readonly decoys?: boolean
  readonly onRotation?: OnRotation
  readonly interval?: number
  readonly killAfter?: number
}

type Declarations = Readonly<Record<string, DeclaredSecret>>

/** What a child is started with, by what the stores have now. */
class Launcher {
  readonly selected: Declarations
  readonly #secrets: SecretsManager
  readonly #settings: Settings
  readonly #flags: RunFlags
  readonly #terminal: Terminal
  /** Whose last values may be outdated: an earlier provider, or the store, could not be asked. */
  #old: readonly string[] = []

  constructor(secrets: SecretsManager, declared: Declarations, settings: Settings, flags: RunFlags, terminal: Terminal) {
    this.selected = chosen(declared, flags.only)
    this.#secrets = secrets
    this.#settings = settings
    this.#flags = flags
    this.#terminal = terminal
  }

  async read(options?: ReadDeclaredOptions): Promise<Launch & Partial<SealedVariables>> {
    const found = await readDeclared(this.#secrets, this.selected, options)
    assertUsable(found)
    const newlyOld = found.filter(({ name, doubt }) => doubt !== undefined && !this.#old.includes(name))
    if (options?.fresh) assertAsCurrent(newlyOld.map(({ name }) => name))
    this.#old = found.filter(({ doubt }) => doubt !== undefined).map(({ name }) => name)
    warnOfDoubts(newlyOld, this.#terminal)
    const secrets = found.map(({ name, value }) => ({ name, bytes: value?.bytes() }))
    const { pristine = false, keepCredentials = false } = this.#flags
    const inheritance = { isPristine: pristine, keepsCredentials: keepCredentials }
    const plain = childVariables(secrets, this.#terminal.env, this.#settings.config, inheritance)
    const values = [...plain.values, ...plain.values.flatMap(partsOf)]
    if (!this.#flags.sealed) return { ...plain, values }
    const { sealVariables } = await loadOnUse(ownPart, async () => import('../sealed/give-values.ts'), 'sealVariables')
    const { makeDecoys } = await loadOnUse(ownPart, async () => import('../sealed/make-decoys.ts'), 'makeDecoys')
    const decoys = this.#flags.decoys ? makeDecoys(plain, this.selected, this.#settings.variables) : {}
    return { ...sealVariables(plain, decoys, import.meta.resolve('@finchat/secrets-cli/register')), values }
  }
}

const ownPart = { what: '--sealed', name: '@finchat/secrets-cli' }
const notStarted = 'the command was not started'
const notTaken = 'warning: no program took the sealed secrets: start Node.js itself, as by finchat-secrets run --sealed -- node app.js'
const defaultKillAfterSeconds = 10

/** Runs a command with the declared secrets in its environment. */
export default async function run(context: CommandContext, flags: RunFlags, ...command: string[]): Promise<void> {
  const { terminal } = context
  const killAfterMs = (flags.killAfter ?? defaultKillAfterSeconds) * 1_000
  const ending = await explained(notStarted, async () => {
    if (command.length === 0) throw new UsageError('no command is given', 'write it behind --: finchat-secrets run -- node app.js')
    assertSealable(flags)
    assertSignalled(flags)
    const supervisor = new Supervisor({ command, terminal, redact: flags.redact, killAfterMs })
    return runIn(supervisor, context, flags).finally(() => supervisor.stopHearing())
  })
  context.process.exitCode = exitCodeOfChild(ending)
  if (ending.signal !== null && (terminal as object) === process) endBySignal(ending.signal)
}

/** Unless it follows rotations, the manager is closed, and its audit trail written, before the command starts. */
async function runIn(supervisor: Supervisor, context: CommandContext, flags: RunFlags): Promise<Ending> {
  const { terminal } = context
  const { onRotation = 'none' } = flags
  if (onRotation !== 'none')
    return withReadable(notStarted, context, flags, async (secrets, declared, settings) => {
      const launcher = new Launcher(secrets, declared, settings, flags, terminal)
      const first = await launcher.read()
      await start(supervisor, first, terminal)
      return following(supervisor, secrets, { launcher, first, flags, terminal }, onRotation)
    })
  const launch = await withReadable(notStarted, context, flags, async (secrets, declared, settings) =>
    new Launcher(secrets, declared, settings, flags, terminal).read(),
  )
  await start(supervisor, launch, terminal)
  const ending = await supervisor.ended()
  if (launch.isTaken?.() === false) note(terminal, notTaken)
  return ending
}

async function start(supervisor: Supervisor, launch: Launch, terminal: Terminal): Promise<void> {
  const short = supervisor.unredacted(launch.values)
  if (short.length > 0) note(terminal, `warning: too short to redact: ${short.join(', ')}`)
  await supervisor.start(launch)
}

interface Following {
  readonly launcher: Launcher
  readonly first: Launch
  readonly flags: RunFlags
  readonly terminal: Terminal
}

async function following(
  supervisor: Supervisor,
  secrets: SecretsManager,
  { launcher, first, flags, terminal }: Following,
  onRotation: 'restart' | ToSignal,
): Promise<Ending> {
  const end = new AbortController()
  const { signal } = end
  const names = namesToFollow(launcher.selected)
  let current = first.values
  const react = async (): Promise<boolean> => {
    const next = await reread(launcher, signal, terminal)
    if (next === undefined || isDeepStrictEqual(next.values, current)) return next !== undefined
    supervisor.learn(next.values)
    if (onRotation !== 'restart') supervisor.send(onRotation.signal)
    else if (!(await supervisor.restart(next, changedNames(current, next.values)))) return false
    current = next.values
    return true
  }
  const given = (name: string): Uint8Array | undefined => current.find((each) => each.name === name && !each.isPart)?.bytes
  const follow = followRotation(secrets, names, { actor: operator(), signal, intervalSeconds: flags.interval, given }, react)
  return Promise.race([supervisor.ended(), follow.then(async () => supervisor.ended())]).finally(() => end.abort())
}

/** Of values that are new, or gone. */
function changedNames(before: readonly SecretText[], after: readonly SecretText[]): string[] {
  const missing = (from: readonly SecretText[], within: readonly SecretText[]): string[] =>
    from.filter((each) => !within.some((other) => isDeepStrictEqual(each, other))).map(({ name }) => name)
  return [...new Set([...missing(after, before), ...missing(before, after)])]
}

/** The command keeps its values while the new ones cannot be read, or are not as declared. */
async function reread(launcher: Launcher, signal: AbortSignal, terminal: Terminal): Promise<Launch | undefined> {
  try {
    return await launcher.read({ fresh: true, signal })
  } catch (error) {
    if (!signal.aborted) note(terminal, `warning: a secret changed, but the command keeps its values: ${failureOf(error).why}`)
    return undefined
  }
}

function assertSealable({ sealed = false, decoys = false }: RunFlags): void {
  if (decoys && !sealed)
    throw new UsageError(
      '--decoys needs --sealed: otherwise the variables hold the values themselves',
      'give both: run --sealed --decoys -- …',
    )
  if (sealed && process.platform === 'win32')
    throw new UsageError('--sealed needs Linux or macOS', 'read the secrets in the application, by loadConfig()')
}

function assertSignalled({ onRotation = 'none' }: RunFlags): void {
  if (typeof onRotation === 'object' && process.platform === 'win32')
    throw new UsageError('a signal of --on-rotation needs Linux or macOS', 'use --on-rotation restart')
}

/** In an outage, what a later provider has is no rotation. */
function assertAsCurrent(old: readonly string[]): void {
  if (old.length === 0) return
  throw new SecretsError('UNAVAILABLE', `${old.join(', ')}: an earlier provider could not be asked, and another may have an older value`)
}

/** What the command may show alone, such as the password of a URL. An empty member says nothing. */
function partsOf({ name, bytes }: SecretText): SecretText[] {
  const text = textOrBytes(bytes)
  const parts = typeof text === 'string' ? secretParts(text).map((part) => Buffer.from(part.text)) : []
  return parts.filter(({ length }) => length > 0).map((part) => ({ name, bytes: part, isPart: true }))
}

/** What `--only` names, by name or glob. */
function chosen(declared: Declarations, only: readonly string[] | undefined): Declarations {
  const names = Object.keys(declared)
  for (const glob of only ?? []) if (!names.some((name) => matchesGlob(name, glob))) throw unknownName(glob, names)
  const left = names.filter((name) => only?.some((glob) => matchesGlob(name, glob)) ?? true)
  for (const name of left) assertVariableName(name)
  return Object.fromEntries(Object.entries(declared).filter(([name]) => left.includes(name)))
}

function unknownName(glob: string, names: readonly string[]): UsageError {
  const problem = `--only ${glob}: the configuration declares no such secret`
  return new UsageError(problem, meantOr(glob, names, `use one of ${names.join(', ')}`))
}
