import type { SecretReceipt } from '@finchat/secrets-core'
import type { NewDeclaration } from '../declared/add-declaration.ts'
import { assertAllowed, plannedWrite } from '../declared/planned-write.ts'
import { UsageError } from '../terminal/failure.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import { note, operator } from '../terminal/terminal.ts'
import { type CommandContext, type CommonFlags, explained, withSecrets } from './context.ts'
import { tagsOf } from './tags.ts'
import { declarationFor, warnOfUndeclared } from './undeclared.ts'

interface SetFlags extends CommonFlags {
  readonly version?: number
  readonly field?: string
  readonly tag?: readonly string[]
  readonly exact?: boolean
  readonly force?: boolean
  readonly declare?: boolean
}

/** Stores a value from a hidden prompt or a pipe. */
export default async function set(context: CommandContext, flags: SetFlags, name: string, ...values: string[]): Promise<void> {
  const { terminal } = context
  const { provider, version, declaredIn } = await explained('nothing was written', async () => {
    if (values.length > 0 || name.includes('=')) throw valueAsArgument()
    return store(context, flags, name)
  })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ name, provider, version })}\n`)
  note(terminal, `${name} is written${version === undefined ? '' : ` as version ${version}`} at '${provider}'`)
  if (declaredIn !== undefined) note(terminal, `${name} is declared in ${declaredIn}`)
}

interface Stored extends SecretReceipt {
  /** The file to which the name was added. */
  readonly declaredIn: string | undefined
}

/** Asks for the value once everything else is known to be right. */
async function store(context: CommandContext, flags: SetFlags, name: string): Promise<Stored> {
  const { terminal } = context
  const { provider, version, field, exact = false, force = false } = flags
  const tags = flags.tag === undefined ? undefined : tagsOf(flags.tag)
  return withSecrets(`${name} was not written`, context, flags, async (secrets, declared, settings) => {
    const declaration = flags.declare ? declarationFor({ name, field }, declared, settings) : undefined
    if (!flags.declare) warnOfUndeclared({ name, field }, declared, terminal)
    const value = await readSecretInput(terminal, { question: `Value of ${name} (hidden)`, exact })
    const write = plannedWrite(name, field, declared)
    if (write !== undefined && !force) await assertAllowed(write, value, declared)
    const receipt = await secrets.storeSecret(name, value, { provider, version, field, tags, actor: operator() })
    return { ...receipt, declaredIn: declaration && (await declare(name, declaration)) }
  })
}

/** The value is written first: a name without one would stop the next `run`. */
async function declare(name: string, declaration: NewDeclaration): Promise<string> {
  await explained(`${name} is written, but not declared`, declaration.write)
  return declaration.file
}

/** It does not quote the value. */
function valueAsArgument(): UsageError {
  return new UsageError(
    'a value is never an argument: other users see it in `ps`, and the shell keeps it in its history',
    'pipe it: printf %s "$VALUE" | finchat-secrets set NAME; or give the name alone, and be asked',
  )
}
