import type { KeyUse } from '@finchat/secrets-provider-local'
import { counted } from '../terminal/counted.ts'
import { assertConfirmed } from '../terminal/prompts.ts'
import { UsageError } from '../terminal/failure.ts'
import { ProgressLine } from '../terminal/progress.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import type { CommandContext } from '../commands/context.ts'
import type { KeyPlaces } from './key-places.ts'
import { type LocalFlags, type LocalStore, withLocalStore } from './local-store.ts'

interface ReencryptFlags extends LocalFlags {
  readonly yes?: boolean
}

/** Seals every value of the local store with its key, and retires the other key. */
export default async function reencrypt(context: CommandContext, flags: ReencryptFlags): Promise<void> {
  const { terminal } = context
  const { count, lines } = await withLocalStore('the store was not sealed again', context, flags, async (local) =>
    sealAgain(local, flags, terminal),
  )
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ reencrypted: count })}\n`)
  for (const line of lines) note(terminal, line)
}

interface Done {
  readonly count: number
  readonly lines: readonly string[]
}

async function sealAgain({ store, hasOtherKey, places }: LocalStore, flags: ReencryptFlags, terminal: Terminal): Promise<Done> {
  if (!hasOtherKey) throw onlyOneKey()
  const progress = new ProgressLine(terminal)
  const onProgress = (done: number, all: number): void => progress.show(() => `sealing again: ${done} of ${counted(all, 'secret')}`)
  let isDone = false
  const confirm = async (use: KeyUse): Promise<true> => {
    isDone = use.otherKeys === 'retired'
    await assertOrder(use, places, flags, terminal)
    return true
  }
  const { reencrypted: count } = await progress.during(async () => store.reencrypt({ onProgress, confirm }))
  if (isDone) return { count, lines: [`all is sealed with ${places.key} already, and ${places.otherKey} is retired`] }
  return {
    count,
    lines: [
      `${counted(count, 'version')} sealed again; ${places.otherKey} is retired, and never seals again`,
      'remove it everywhere, but keep it as long as you may need a backup from before; or make a new backup now',
    ],
  }
}

/** Asks, unless it is done already or `--yes` is given. Refuses a key that is still to come. */
async function assertOrder(use: KeyUse, { key, otherKey }: KeyPlaces, { yes, json }: ReencryptFlags, terminal: Terminal): Promise<void> {
  if (use.otherKeys === 'retired') return
  if (use.otherKeys === 'unused') throw nextKey(otherKey)
  if (!json) note(terminal, `${key} sealed ${counted(use.first, 'version')}, ${otherKey} ${counted(use.others, 'version')}`)
  if (use.first > 0 && use.isNewestOfOthers)
    note(terminal, `warning: the newest version is sealed with ${otherKey}: a service still writes with it, or the two keys are exchanged`)
  if (!yes) await assertConfirmed(terminal, `Seal all with ${key}, and retire ${otherKey} for good?`)
}

/** At the first step of a change it is named beside the present one. */
function nextKey(otherKey: string): UsageError {
  return new UsageError(
    `${otherKey} has sealed nothing in this store, so it is the next key`,
    'name it by local.key, and the present key by local.otherKey, for every service; then run it again',
  )
}

function onlyOneKey(): UsageError {
  return new UsageError(
    'there is one key, so that nothing is to be sealed again',
    'name the new key by local.key, and the former one by local.otherKey (FINCHAT_ENCRYPTION_OTHER_KEY)',
  )
}
