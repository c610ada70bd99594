import type { SecretProvider, SecretsManager } from '@finchat/secrets-core'
import { hasCode, SecretsError, warnOperator, withDetails } from '@finchat/secrets-core/provider'
import type { CommandContext as StricliContext } from '@stricli/core'
import type { DeclaredSecret } from '../config/config.ts'
import { inWordsOfFile } from '../config/variables.ts'
import { aliasesOf, meantName } from '../config/declared-names.ts'
import { aloneIn, assertInChain, chainOf, makeManager, type ManagerParts, readSettings, type Settings } from '../config/load-config.ts'
import { CommandError } from '../terminal/failure.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** What a command runs in; `process` is Stricli's view of it. */
export interface CommandContext extends StricliContext {
  readonly process: StricliContext['process'] & { exitCode?: number | string | null }
  readonly terminal: Terminal
}

/** The flags of every command. */
export interface CommonFlags {
  readonly config?: string
  readonly provider?: string
  readonly json?: boolean
}

/** Something to do with the manager, what the configuration declares, all settings, and the providers of the chain. */
type Use<T> = (secrets: SecretsManager, declared: Declared, settings: Settings, providers: readonly SecretProvider[]) => Promise<T>
type Declared = Readonly<Record<string, DeclaredSecret>>

/** Runs a command over the whole chain, by declared names. `what` is what failed, if it does. */
export async function withSecrets<T>(what: string, { terminal }: CommandContext, flags: CommonFlags, use: Use<T>): Promise<T> {
  return explained(what, async () => {
    const settings = await settingsOf(terminal, flags)
    return useManager(what, settings, use, aliasesOf(settings.config.secrets))
  })
}

/** As `withSecrets`, for reads: `--provider` makes a chain of that provider alone. */
export async function withReadable<T>(
  what: string,
  { terminal }: Pick<CommandContext, 'terminal'>,
  flags: CommonFlags,
  use: Use<T>,
): Promise<T> {
  return explained(what, async () => {
    const settings = await settingsOf(terminal, flags)
    const chosen = flags.provider === undefined ? settings : aloneIn(settings, flags.provider)
    return useManager(what, chosen, use, aliasesOf(settings.config.secrets))
  })
}

/** Gives what fails in `work` its first line; `reworded` says the others in other words. */
export async function explained<T>(what: string, work: () => Promise<T>, reworded?: (text: string) => string): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(what, error, reworded)
  }
}

/** The configuration for these flags. */
export async function settingsOf({ env, cwd }: Terminal, { config, provider }: CommonFlags): Promise<Settings> {
  const settings = await readSettings({ file: config, cwd: cwd(), env })
  assertInChain(provider, chainOf(settings.variables))
  return settings
}

/** Without `aliases` all names are those of the chain. */
export async function useManager<T>(what: string, settings: Settings, use: Use<T>, aliases?: ManagerParts['aliases']): Promise<T> {
  const providers: SecretProvider[] = []
  const onMade = (provider: SecretProvider): number => providers.push(provider)
  try {
    return await closing(await makeManager(settings, { onMade, aliases }), async (secrets) =>
      use(secrets, settings.config.secrets ?? {}, settings, providers),
    )
  } catch (error) {
    const { message, cause, reworded } =
      error instanceof CommandError ? error : new CommandError(what, error, settings.file === undefined ? undefined : inWordsOfFile)
    throw new CommandError(message, withMeantName(cause, settings), reworded)
  }
}

/** A name that is missing, and that is not declared, may be misspelt. */
function withMeantName(error: unknown, { config }: Settings): unknown {
  if (!hasCode(error, 'NOT_FOUND') || error.secret === undefined) return error
  const meant = meantName(error.secret, config.secrets)
  return meant === undefined ? error : withDetails(error, { remedy: `did you mean ${meant}?` })
}

async function closing<T>(secrets: SecretsManager, work: (secrets: SecretsManager) => Promise<T>): Promise<T> {
  try {
    return await work(secrets)
  } finally {
    await secrets.close().catch(warnOfUnclosed)
  }
}

/** The work is done, or has an error of its own, which must not be hidden. */
export function warnOfUnclosed(error: unknown): void {
  const { problem } = SecretsError.isInstance(error) ? error : new SecretsError('INTERNAL', 'a store could not be closed')
  warnOperator(problem, 'FINCHAT_SECRETS_UNCLOSED')
}
