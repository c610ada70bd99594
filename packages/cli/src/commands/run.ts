import { matchesGlob } from 'node:path'
import type { Environment } from '@finchat/secrets-core'
import { loadOnUse } from '@finchat/secrets-core/provider'
import type { Config, DeclaredSecret } from '../config/config.ts'
import { type ChildEnd, runChild } from '../child/child.ts'
import { leastRedactedBytes } from '../child/redactor.ts'
import { assertVariableName, childVariables, type ChildVariables } from '../child/variables.ts'
import { UsageError } from '../terminal/failure.ts'
import type { Decoys, SealedVariables } from '../sealed/give-values.ts'
import { nearest } from '../terminal/nearest.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained, withReadable } from './context.ts'
import { assertUsable, type Declared, readDeclared } from './declared.ts'

interface RunFlags extends CommonFlags {
  readonly only?: readonly string[]
  readonly pristine?: boolean
  readonly keepCredentials?: boolean
  readonly redact?: boolean
  readonly sealed?: boolean
  readonly decoys?: boolean
}

type Declarations = Readonly<Record<string, DeclaredSecret>>

const ownPart = { what: '--sealed', name: '@finchat/secrets-cli' }
const notStarted = 'the command was not started'

/** Runs a command with the declared secrets in its environment. */
export default async function run(context: CommandContext, flags: RunFlags, ...words: string[]): Promise<void> {
  const { terminal } = context
  const end = await explained(notStarted, async () => {
    const [command, ...args] = words
    if (command === undefined) throw new UsageError('no command is given', 'write it behind --: finchat-secrets run -- node app.js')
    assertSealable(flags)
    const ready = await withReadable(notStarted, context, flags, async (secrets, declared, config, variables) => {
      const found = await readDeclared(secrets, chosen(declared, flags.only))
      const plain = variablesOf(found, config, flags, terminal)
      return flags.sealed ? sealed(plain, flags.decoys ? decoysOf(plain, declared, variables) : {}) : plain
    })
    const ended = await runChild({ command, args, redacts: flags.redact, ...ready }, terminal)
    if ('isTaken' in ready && !ready.isTaken()) note(terminal, notTaken)
    return ended
  })
  endAs(end, context)
}

const notTaken = 'warning: the command never took its secrets: only a program of Node.js reads what is sealed'

function assertSealable({ sealed: isSealed = false, decoys = false }: RunFlags): void {
  if (decoys && !isSealed)
    throw new UsageError(
      '--decoys needs --sealed: otherwise the variables hold the values themselves',
      'give both: run --sealed --decoys -- …',
    )
  if (isSealed && process.platform === 'win32')
    throw new UsageError('--sealed needs Linux or macOS', 'read the secrets in the application, by loadConfig()')
}

async function sealed(plain: ChildVariables, decoys: Decoys | Promise<Decoys>): Promise<SealedVariables> {
  const { sealVariables } = await loadOnUse(ownPart, async () => import('../sealed/give-values.ts'), 'sealVariables')
  return sealVariables(plain, await decoys, import.meta.resolve('@finchat/secrets-cli/register'))
}

async function decoysOf(plain: ChildVariables, declared: Declarations, variables: Environment): Promise<Decoys> {
  const { makeDecoys } = await loadOnUse(ownPart, async () => import('../sealed/make-decoys.ts'), 'makeDecoys')
  return makeDecoys(plain, declared, variables)
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
  const meant = nearest(glob, names)
  return new UsageError(
    `--only ${glob}: the configuration declares no such secret`,
    meant === undefined ? `use one of ${names.join(', ')}` : `did you mean ${meant}?`,
  )
}

function variablesOf(found: readonly Declared[], config: Config, flags: RunFlags, terminal: Terminal): ChildVariables {
  assertUsable(found)
  for (const { name, value } of found) {
    if (value?.degraded) note(terminal, `warning: ${name}: an earlier provider could not be asked; this is of '${value.provider}'`)
    if (value?.stale) note(terminal, `warning: ${name}: '${value.provider}' could not be asked; this value may be outdated`)
  }
  const secrets = found.map(({ name, value }) => ({ name, bytes: value?.bytes() }))
  const short = secrets.filter(({ bytes }) => bytes !== undefined && bytes.length < leastRedactedBytes).map(({ name }) => name)
  if (short.length > 0 && flags.redact === true) note(terminal, `warning: too short to redact: ${short.join(', ')}`)
  const inheritance = { isPristine: flags.pristine === true, keepsCredentials: flags.keepCredentials === true }
  return childVariables(secrets, terminal.env, config, inheritance)
}

/** These end us too, so that a shell sees it. Others leave a core, or cannot be sent to oneself. */
const fatal: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE']

function endAs({ code, signal }: ChildEnd, { process: program, terminal }: CommandContext): void {
  program.exitCode = code
  const isOurs = (terminal as object) === process
  if (isOurs && signal !== undefined && fatal.includes(signal)) process.kill(process.pid, signal)
}
