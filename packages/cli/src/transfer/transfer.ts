import { isDeepStrictEqual } from 'node:util'
import { SecretsError } from '@finchat/secrets-core'
import { limiter } from '@finchat/secrets-core/provider'
import { InterruptedError } from '../terminal/failure.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import type { Item, Row } from './item.ts'
import { assertWritten, inspect, type Target, write } from './target.ts'

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

/** Compares every item with the target, then writes what is asked for. The rows are in the order of the items. */
export async function transfer(items: readonly Item[], target: Target, options: TransferOptions): Promise<Transferred> {
  const planned = withoutClashes(await planOf(items, target, options))
  if (!options.isApplied) return { rows: planned.map(({ row }) => row), failed: undefined }
  return apply(planned, target, options)
}

/** An item of the source, and what is known of it at the target. */
interface Planned {
  readonly item: Item
  readonly row: Row
}

async function planOf(items: readonly Item[], target: Target, { stop, onStep }: TransferOptions): Promise<readonly Planned[]> {
  const limit = limiter(atOnce)
  let done = 0
  return Promise.all(
    items.map(async (item) =>
      limit(async () => {
        if (stop.aborted) throw new InterruptedError()
        const row = await inspect(item, target)
        onStep('compared', (done += 1), items.length)
        return { item, row }
      }),
    ),
  )
}

/** Of two values for one place, the second would go over the first; so would a document over a field of it. */
function withoutClashes(planned: readonly Planned[]): readonly Planned[] {
  const reasons = new Map<Planned, string>()
  const placed = planned.filter(({ item, row }) => row.path !== undefined && item.content !== undefined)
  for (const document of Map.groupBy(placed, ({ row }) => row.path).values()) {
    const places = [...Map.groupBy(document, ({ row }) => row.field).values()]
    const isMixed = places.length > 1 && document.some(({ row }) => row.field === undefined)
    const clashes = isMixed ? [document] : places.filter(([first, ...others]) => !others.every((each) => hasSameContent(each, first)))
    const reason = isMixed ? 'are a whole document and a field of it: leave one out' : 'have different values for one place'
    for (const group of clashes) for (const each of group) reasons.set(each, `${namesOf(group)} ${reason}`)
  }
  return planned.map((each) => {
    const reason = reasons.get(each)
    if (reason === undefined) return each
    const row = { ...each.row, state: 'cannot be mapped', reason, code: 'INVALID_ARGUMENT', exitCode: exitCodes.differs } as const
    return { ...each, row }
  })
}

function hasSameContent({ item }: Planned, other: Planned | undefined): boolean {
  return isDeepStrictEqual(item.content, other?.item.content)
}

/** The names at the target, or where those are one, the source's. */
function namesOf(group: readonly Planned[]): string {
  const names = new Set(group.map(({ item }) => item.name))
  return [...(names.size === group.length ? names : new Set(group.map(({ item }) => item.place)))].join(', ')
}

/**
 * Fields of one document are written one after another, or each would be a conflict for the others. At
 * the end all that was written is read back: no write went over another.
 */
async function apply(planned: readonly Planned[], target: Target, { isForced, stop, onStep }: TransferOptions): Promise<Transferred> {
  const due = planned.filter(({ row: { state } }) => state === 'new' || (state === 'different' && isForced))
  const written = new Set<Planned>()
  const failures = new Map<Planned, unknown>()
  const limit = limiter(atOnce)
  const writeAll = async (group: readonly Planned[]): Promise<void> => {
    for (const each of group) {
      const { name, content } = each.item
      if (stop.aborted || failures.size > 0 || content === undefined) return
      try {
        await write({ name, content }, each.row.state === 'new' ? 'new' : 'different', target)
        written.add(each)
        onStep('written', written.size, due.length)
      } catch (error) {
        failures.set(each, error)
      }
    }
  }
  const readBack = async (each: Planned): Promise<void> => {
    const { name, content } = each.item
    if (content !== undefined) await assertWritten({ name, content }, target).catch((error: unknown) => failures.set(each, error))
  }
  await Promise.all([...Map.groupBy(due, ({ row }) => row.path).values()].map(async (group) => limit(async () => writeAll(group))))
  if (written.size > 1) await Promise.all([...written].map(async (each) => limit(async () => readBack(each))))
  const [failed] = [...failures].map(([{ item }, error]) => ({ name: item.name, error }))
  const rowOf = (each: Planned): Row => {
    if (failures.has(each)) return afterFailure(each.row, failures.get(each))
    return written.has(each) ? { ...each.row, state: 'written' } : each.row
  }
  return { rows: planned.map(rowOf), failed }
}

function afterFailure(row: Row, error: unknown): Row {
  if (!SecretsError.isInstance(error)) return row
  const { code, problem, effect } = error
  const unsure = { done: 'it was written, but not verified: ', unknown: 'it may have been written: ' }
  return { ...row, reason: (effect === undefined ? '' : unsure[effect]) + problem, code, effect }
}
