import type { CatalogEntry, SecretProvider } from '@finchat/secrets-core'
import type { Settings } from '../config/load-config.ts'
import { printTable } from '../terminal/table.ts'
import { namesAt, wholeNames } from '../transfer/store-names.ts'
import { type CommandContext, type CommonFlags, withSecrets } from './context.ts'
import { operator } from '../terminal/terminal.ts'

interface ListFlags extends CommonFlags {
  readonly prefix?: string
}

/** A path of a store, with the names that other commands take for it. */
interface Listed extends CatalogEntry {
  readonly names: readonly string[]
}

/** Lists the stores' own paths and the names that lead to them, without values. */
export default async function list(context: CommandContext, flags: ListFlags): Promise<void> {
  const { terminal } = context
  const { provider, prefix } = flags
  const entries: Listed[] = []
  await withSecrets('the secrets could not be listed', context, flags, async (secrets, _, settings, providers) => {
    for await (const entry of secrets.listSecrets({ provider, prefix, actor: operator() }))
      entries.push({ ...entry, names: namesOf(entry, settings, providers) })
  })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify(entries)}\n`)
  const rows = entries.map((entry) => [entry.names.join(', '), entry.path, entry.provider, textOfTags(entry.tags)])
  await printTable({ headings: ['name', 'path', 'provider', 'tags'], rows }, terminal)
}

function namesOf({ path, provider: name }: CatalogEntry, { config, variables }: Settings, providers: readonly SecretProvider[]): string[] {
  const provider = providers.find((each) => each.name === name)
  return provider === undefined ? [] : wholeNames(namesAt(path, provider, variables), config.secrets)
}

function textOfTags(tags: Readonly<Record<string, string>> = {}): string {
  return Object.entries(tags)
    .map((entry) => entry.join('='))
    .join(',')
}
