import { chainOf } from '../config/load-config.ts'
import { formatOf } from '../formats/format.ts'
import { UsageError } from '../terminal/failure.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { Item } from '../transfer/item.ts'
import { type DocumentSource, readDocument } from '../transfer/read-document.ts'
import { selectNames } from '../transfer/select-names.ts'
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
    const items = await itemsOf({ from, format, identity, inner }, only, terminal, settings.folder)
    const opening = Object.entries({ identity, inner }).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]))
    const command = ['import', '--from', from, '--format', format, ...opening, '--to', to]
    await transferTo(context, flags, { settings, items, from: `${format}:${from}`, to, command })
  })
}

function firstStore(chain: readonly string[]): string {
  const store = chain.find((name) => name !== 'env')
  if (store !== undefined) return store
  throw new UsageError('no store is in the chain', 'name one by --to: local, aws, ssm, vault or kubernetes')
}

/** The secrets of a file, or those that `only` names. */
export async function itemsOf(
  source: DocumentSource,
  only: readonly string[] | undefined,
  terminal: Terminal,
  folder: string,
): Promise<readonly Item[]> {
  const values = await readDocument(source, terminal, folder)
  const names = selectNames(
    [...values.keys()].map((name) => ({ name, isRequired: true })),
    only,
  )
  return names.map(({ name }) => {
    const content = values.get(name)
    if (content === undefined) throw new UsageError('a name of --only is not in the file', 'see the names in it')
    return { name, place: name, content }
  })
}
