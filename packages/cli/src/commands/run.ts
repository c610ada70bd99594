import { matchesGlob } from 'node:path'
import type { Config, DeclaredSecret } from '../config/config.ts'
import { type ChildEnd, runChild } from '../child/child.ts'
import { leastRedactedBytes } from '../child/redactor.ts'
import { assertVariableName, childVariables, type ChildVariables } from '../child/variables.ts'
import { KnownError, UsageError } from '../terminal/failure.ts'
import { nearest } from '../terminal/nearest.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained, withReadable } from './context.ts'
import { type Declared, gravest, readDeclared } from './declared.ts'

interface RunFlags extends CommonFlags {
  readonly only?: readonly string[]
  readonly pristine?: boolean
  readonly keepCredentials?: boolean
  readonly redact?: boolean
}

const notStarted = 'the command was not started'

/** Runs a command with the declared secrets in its environment. */
export default async function run(context: CommandContext, flags: RunFlags, ...words: string[]): Promise<void> {
  const { terminal } = context
  const end = await explained(notStarted, async () => {
    const [command, ...args] = words
    if (command === undefined) throw new UsageError('no command is given', 'write it behind --: finchat-secrets run -- node app.js')
    const { env, values } = await withReadable(notStarted, context, flags, async (secrets, declared, { config }) => {
      const found = await readDeclared(secrets, chosen(declared, flags.only))
      return variablesOf(found, config, flags, terminal)
    })
    return runChild({ command, args, env, values, redacts: flags.redact }, terminal)
  })
  endAs(end, context)
}

/** What `--only` names, by name or glob. */
function chosen(
  declared: Readonly<Record<string, DeclaredSecret>>,
  only: readonly string[] | undefined,
): Readonly<Record<string, DeclaredSecret>> {
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
  const wrong = found.filter(({ exitCode }) => exitCode !== 0)
  if (wrong.length > 0) throw unready(wrong)
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

/** Lists all that is wrong, as `check` does. */
function unready(wrong: readonly Declared[]): KnownError {
  const lines = wrong.map(({ name, state, reason, code }) => `\n${name}: ${state}: ${reason} (${code})`)
  return new KnownError(`${wrong.length} of the declared secrets cannot be used${lines.join('')}`, 'see `finchat-secrets check`', {
    code: wrong[0]?.code ?? 'NOT_FOUND',
    exitCode: gravest(wrong),
  })
}

/** These end us too, so that a shell sees it. Others leave a core, or cannot be sent to oneself. */
const fatal: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE']

function endAs({ code, signal }: ChildEnd, { process: program, terminal }: CommandContext): void {
  program.exitCode = code
  const isOurs = (terminal as object) === process
  if (isOurs && signal !== undefined && fatal.includes(signal)) process.kill(process.pid, signal)
}
