import type { LoadedOnUse } from '@finchat/secrets-core/provider'
import type { CommandContext } from '../commands/context.ts'

/** A command is loaded when it is called. */
export const ownPart: LoadedOnUse = { what: 'this command', name: '@finchat/secrets-cli' }

type Command<Flags, Args extends readonly unknown[]> = (context: CommandContext, flags: Flags, ...args: Args) => Promise<void>
type Called<Flags, Args extends readonly unknown[]> = (this: CommandContext, flags: Flags, ...args: Args) => Promise<void>

/** The command as Stricli calls it, with the context as `this`. */
export function called<Flags, Args extends readonly unknown[]>({
  default: command,
}: {
  default: Command<Flags, Args>
}): Called<Flags, Args> {
  return async function (flags, ...args) {
    return command(this, flags, ...args)
  }
}
