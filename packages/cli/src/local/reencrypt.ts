import { counted } from '../terminal/counted.ts'
import { assertConfirmed } from '../terminal/prompts.ts'
import { UsageError } from '../terminal/failure.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { note } from '../terminal/terminal.ts'
import type { CommandContext } from '../commands/context.ts'
import { type LocalFlags, withLocalStore } from './local-store.ts'

interface ReencryptFlags extends LocalFlags {
  readonly yes?: boolean
}

/** Seals every value of the local store with its key, and retires the other key. */
export default async function reencrypt(context: CommandContext, flags: ReencryptFlags): Promise<void> {
  const { terminal } = context
  const { reencrypted } = await withLocalStore('the store was not sealed again', context, flags, async ({ store, hasOtherKey }) => {
    if (!hasOtherKey) throw onlyOneKey()
    if (!flags.yes) await assertConfirmed(terminal, 'Seal all with the key, and retire the other key for good?')
    const progress = new ProgressLine(terminal)
    const onProgress = (done: number, all: number): void => progress.show(() => `sealing again: ${done} of ${counted(all, 'secret')}`)
    return progress.during(async () => store.reencrypt({ onProgress }))
  })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ reencrypted })}\n`)
  if (reencrypted === 0)
    return note(terminal, 'all is sealed with local.key already; if that is still the former key, name the new one there first')
  note(terminal, `${counted(reencrypted, 'version')} sealed again; the other key is retired, and never seals again`)
  note(terminal, 'remove it everywhere, but keep it as long as you may need a backup from before; or make a new backup now')
}

function onlyOneKey(): UsageError {
  return new UsageError(
    'there is one key, so that nothing is to be sealed again',
    'name the new key by local.key, and the former one by local.otherKey (FINCHAT_ENCRYPTION_OTHER_KEY)',
  )
}
