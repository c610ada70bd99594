import { userInfo } from 'node:os'
import type { SecretsManager } from '@finchat/secrets-core'
import type { CommandContext as StricliContext } from '@stricli/core'
import type { DeclaredSecret } from '../config/config.ts'
import { inWordsOfFile } from '../config/variables.ts'
import { chainOf, makeManager, readSettings, type Settings } from '../config/load-config.ts'
import { CommandError, UsageError } from '../terminal/failure.ts'
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

/** Something to do with the manager, and with what the configuration declares. */
type Use<T> = (secrets: SecretsManager, declared: Readonly<Record<string, DeclaredSecret>>) => Promise<T>

/** Runs a command over the whole chain. `what` is what failed, if it does. */
export async function withSecrets<T>(what: string, { terminal }: CommandContext, flags: CommonFlags, use: Use<T>): Promise<T> {
  return explained(what, async () => {
    const settings = await settingsOf(terminal, flags)
    return useManager(what, settings, use)
  })
}

/** As `withSecrets`, for reads: `--provider` makes a chain of that provider alone. */
export async function withReadable<T>(what: string, { terminal }: CommandContext, flags: CommonFlags, use: Use<T>): Promise<T> {
  return explained(what, async () => {
    const settings = await settingsOf(terminal, flags)
    const alone = { FINCHAT_SECRETS_PROVIDER: flags.provider, FINCHAT_SECRETS_FALLBACKS: '' }
    return useManager(what, flags.provider === undefined ? settings : { ...settings, variables: { ...settings.variables, ...alone } }, use)
  })
}

/** Gives what fails in `work` its first line. */
export async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(what, error)
  }
}

async function settingsOf({ env, cwd }: Terminal, { config, provider }: CommonFlags): Promise<Settings> {
  const settings = await readSettings({ file: config, cwd: cwd(), env })
  const chain = chainOf(settings.variables)
  if (provider === undefined || chain.includes(provider)) return settings
  throw new UsageError(`no provider '${provider}' is in the chain`, `use one of ${chain.join(', ')}, or add it to the fallbacks`)
}

async function useManager<T>(what: string, settings: Settings, use: Use<T>): Promise<T> {
  try {
    const secrets = await makeManager(settings)
    try {
      return await use(secrets, settings.config.secrets ?? {})
    } finally {
      await secrets.close() // Node.js 22 has no `await using`
    }
  } catch (error) {
    throw new CommandError(what, error, settings.file === undefined ? undefined : inWordsOfFile)
  }
}

/** Who runs the command, for the audit trail. A container may run as a number without a name. */
export function operator(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
