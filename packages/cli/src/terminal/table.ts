import { loadOnUse } from '@finchat/secrets-core/provider'
import { hasColours, type Terminal } from './terminal.ts'
import { visible } from './visible.ts'

/** Rows of texts under their headings. */
export interface Table {
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/**
 * A table on a terminal; elsewhere lines with tabs between the columns and no headings, for `cut`
 * and `awk`.
 */
export async function printTable(table: Table, terminal: Terminal): Promise<void> {
  const rows = table.rows.map((row) => row.map((cell) => visible(cell)))
  if (terminal.stdout.isTTY !== true) {
    for (const row of rows) terminal.stdout.write(`${row.join('\t')}\n`)
    return
  }
  if (rows.length > 0) terminal.stdout.write(`${await drawn({ ...table, rows }, terminal)}\n`)
}

async function drawn({ headings, rows }: Table, { stdout, env }: Terminal): Promise<string> {
  const { default: CliTable } = await loadOnUse({ what: 'the table', name: 'cli-table3' }, () => import('cli-table3'), 'default')
  const none = Object.fromEntries(edges.map((edge) => [edge, '']))
  const style = hasColours(stdout, env) ? { head: ['bold'], border: [] } : { head: [], border: [] }
  const table = new CliTable({
    head: [...headings],
    chars: { ...none, middle: '  ' },
    style: { ...style, 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.map((row) => [...row]))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const edges = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
] as const
