import { aloneIn, type Settings } from '../config/load-config.ts'
import { providerNames } from '../config/settings.ts'
import { meantOr } from '../config/declared-names.ts'
import { UsageError } from '../terminal/failure.ts'
import { limiter } from '@finchat/secrets-core/provider'
import { readItem } from '../transfer/item.ts'
import { chainNames, type Chosen, itemsOfFile } from '../transfer/items-of-file.ts'
import { namesOfStores, undeclaredAt } from '../transfer/names-of-store.ts'
import { type DocumentSource, readDocument } from '../transfer/read-document.ts'
import { type CommandContext, explained, settingsOf, useManager } from '../commands/context.ts'
import { knownTarget, type TransferFlags, transferTo } from './transfer-to.ts'
import { operator } from '../terminal/terminal.ts'

interface MigrateFlags extends TransferFlags {
  readonly from: string
  readonly to: string
}

const dotenv = 'dotenv:'

/** Moves secrets from one place to another: a plan first, then with `--apply` each is written and read back. */
export default async function migrate(context: CommandContext, flags: MigrateFlags): Promise<void> {
  const { terminal } = context
  const { from, to, only } = flags
  await explained('nothing was migrated', async () => {
    const settings = await settingsOf(terminal, flags)
    if (from === knownTarget(to)) throw new UsageError('--from and --to are the same', 'name two places')
    const chosen = from.startsWith(dotenv)
      ? itemsOfFile(await readDocument(dotenvAt(from), terminal, settings.folder), settings.config.secrets, only)
      : await itemsAt(knownSource(from), settings, only)
    await transferTo(context, flags, { settings, ...chosen, from, to, command: ['migrate', '--from', from, '--to', to] })
  })
}

function dotenvAt(from: string): DocumentSource {
  return { from: from.slice(dotenv.length), format: 'dotenv' }
}

function knownSource(from: string): string {
  if (providerNames.some((name) => name === from)) return from
  throw new UsageError('--from names no source', meantOr(from, providerNames, `use ${providerNames.join(', ')}, or dotenv:FILE`))
}

/** Read in full before the target is opened, since two managers at once would write two audit trails. */
async function itemsAt(from: string, settings: Settings, only: readonly string[] | undefined): Promise<Chosen> {
  return useManager(`the secrets of ${from} could not be read`, aloneIn(settings, from), async (secrets, _, __, providers) => {
    const [provider] = providers
    if (provider === undefined) return { items: [], left: [], isAll: false }
    const limit = limiter(4)
    const names = await namesOfStores(secrets, providers, settings, only)
    const store = { secrets, provider, actor: operator() }
    const items = await Promise.all(names.map(async (each) => limit(async () => readItem(each, store))))
    const left = only === undefined ? await undeclaredAt(from, secrets, providers, settings) : []
    return { items, left, isAll: only === undefined && chainNames(settings.config.secrets).size === 0 }
  })
}
