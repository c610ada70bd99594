import type { CatalogEntry } from '@finchat/secrets-core'
import { printTable } from '../terminal/table.ts'
import { type CommandContext, type CommonFlags, operator, withSecrets } from './context.ts'

interface ListFlags extends CommonFlags {
  readonly prefix?: string
}

/** Lists the stores' own paths, without values. */
export default async function list(context: CommandContext, flags: ListFlags): Promise<void> {
  const { terminal } = context
  const { provider, prefix } = flags
  const entries: CatalogEntry[] = []
  await withSecrets('the secrets could not be listed', context, flags, async (secrets) => {
    for await (const entry of secrets.listSecrets({ provider, prefix, actor: operator() })) entries.push(entry)
  })
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify(entries)}\n`)
  const rows = entries.map((entry) => [entry.path, entry.provider, textOfTags(entry.tags)])
  await printTable({ headings: ['path', 'provider', 'tags'], rows }, terminal)
}

function textOfTags(tags: Readonly<Record<string, string>> = {}): string {
  return Object.entries(tags)
    .map((entry) => entry.join('='))
    .join(',')
}
