import { limiter } from '@finchat/secrets-core/provider'
import { InterruptedError } from '../terminal/failure.ts'
import type { Item, Row } from './item.ts'
import { inspect, type Target, write } from './target.ts'

/** How many secrets are compared or written at once; the providers pause when a store throttles. */
const atOnce = 4

export interface TransferOptions {
  readonly isApplied: boolean
  /** Overwrites what differs. */
  readonly isForced: boolean
  /** No write begins after its abort; those that run end. */
  readonly stop: AbortSignal
  readonly onStep: (what: 'compared' | 'written', done: number, of: number) => void
}

export interface Transferred {
  readonly rows: readonly Row[]
  /** The first write that failed, after which no other began. */
  readonly failed: { readonly name: string; readonly error: unknown } | undefined
}

/** Compares every item with the target, then writes what is asked for. */
export async function transfer(items: readonly Item[], target: Target, options: TransferOptions): Promise<Transferred> {
  const rows = await planOf(items, target, options)
  if (!options.isApplied) return { rows, failed: undefined }
  const due = rows.filter(({ state }) => state === 'new' || (state === 'different' && options.isForced))
  return apply(items, rows, due, target, options)
}

async function planOf(items: readonly Item[], target: Target, { stop, onStep }: TransferOptions): Promise<readonly Row[]> {
  const limit = limiter(atOnce)
  let done = 0
  return Promise.all(
    items.map(async (item) =>
      limit(async () => {
        if (stop.aborted) throw new InterruptedError()
        const row = await inspect(item, target)
        onStep('compared', (done += 1), items.length)
        return row
      }),
    ),
  )
}

/** Fields of one document are written one after another, or each would be a conflict for the others. */
async function apply(
  items: readonly Item[],
  rows: readonly Row[],
  due: readonly Row[],
  target: Target,
  { stop, onStep }: TransferOptions,
): Promise<Transferred> {
  const contents = new Map(items.map(({ name, content }) => [name, content]))
  const written = new Set<string>()
  let failed: Transferred['failed']
  const limit = limiter(atOnce)
  const writeAll = async (group: readonly Row[]): Promise<void> => {
    for (const { name, state } of group) {
      const content = contents.get(name)
      if (stop.aborted || failed !== undefined || content === undefined) return
      try {
        await write({ name, content }, state === 'new' ? 'new' : 'different', target)
        written.add(name)
        onStep('written', written.size, due.length)
      } catch (error) {
        failed ??= { name, error }
      }
    }
  }
  await Promise.all([...Map.groupBy(due, ({ path }) => path).values()].map(async (group) => limit(async () => writeAll(group))))
  return { rows: rows.map((row) => (written.has(row.name) ? { ...row, state: 'written' } : row)), failed }
}
