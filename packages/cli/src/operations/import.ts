import { chainOf } from '../config/load-config.ts'
import { storeChoice } from '../config/settings.ts'
import { formatOf } from '../formats/format.ts'
import { UsageError } from '../terminal/failure.ts'
import { itemsOfFile } from '../transfer/items-of-file.ts'
import { readDocument } from '../transfer/read-document.ts'
import { type CommandContext, explained, settingsOf } from '../commands/context.ts'
import { knownTarget, type TransferFlags, transferTo } from './transfer-to.ts'

interface ImportFlags extends TransferFlags {
  readonly from: string
  readonly to?: string
  readonly format?: string
  readonly identity?: string
  readonly inner?: string
}

/** Writes the secrets of a file into a store: a plan first, then with `--apply`. */
export default async function importFile(context: CommandContext, flags: ImportFlags): Promise<void> {
  const { terminal } = context
  const { from, identity, inner, only } = flags
  await explained('nothing was imported', async () => {
    const settings = await settingsOf(terminal, flags)
    const format = formatOf(flags.format, from)
    const to = knownTarget(flags.to ?? firstStore(chainOf(settings.variables)))
    const values = await readDocument({ from, format, identity, inner }, terminal, settings.folder)
    const chosen = itemsOfFile(values, settings.config.secrets, only)
    const opening = Object.entries({ identity, inner }).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]))
    const command = ['import', '--from', from, '--format', format, ...opening, '--to', to]
    await transferTo(context, flags, { settings, ...chosen, from: `${format}:${from}`, to, command })
  })
}

function firstStore(chain: readonly string[]): string {
  const store = chain.find((name) => name !== 'env')
  if (store !== undefined) return store
  throw new UsageError('no store is in the chain', `name one by --to: ${storeChoice}`)
}
