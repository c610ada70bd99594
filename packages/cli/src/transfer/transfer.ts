import { isDeepStrictEqual } from 'node:util'
import { SecretsError } from '@finchat/secrets-core'
import { limiter } from '@finchat/secrets-core/provider'
import { InterruptedError } from '../terminal/failure.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
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
  const rows = withoutClashes(await planOf(items, target, options), items)
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

/** Of two values for one place, the second would go over the first. */
function withoutClashes(rows: readonly Row[], items: readonly Item[]): readonly Row[] {
  const contents = new Map(items.map(({ name, content }) => [name, content]))
  const byPlace = Map.groupBy(
    rows.filter(({ name, path }) => path !== undefined && contents.get(name) !== undefined),
    ({ path, field }) => JSON.stringify([path, field]),
  )
  const clashes = [...byPlace.values()].filter(
    (group) => !group.every(({ name }) => isDeepStrictEqual(contents.get(name), contents.get(group[0]?.name ?? ''))),
  )
  const names = new Map(clashes.flatMap((group) => group.map((row) => [row, group.map(({ name }) => name)] as const)))
  return rows.map((row) => {
    const others = names.get(row)
    if (others === undefined) return row
    const reason = `${others.join(', ')} have different values for one place`
    return { ...row, state: 'cannot be mapped', reason, code: 'INVALID_ARGUMENT', exitCode: exitCodes.differs }
  })
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
  const failures = new Map<string, unknown>()
  const limit = limiter(atOnce)
  const writeAll = async (group: readonly Row[]): Promise<void> => {
    for (const { name, state } of group) {
      const content = contents.get(name)
      if (stop.aborted || failures.size > 0 || content === undefined) return
      try {
        await write({ name, content }, state === 'new' ? 'new' : 'different', target)
        written.add(name)
        onStep('written', written.size, due.length)
      } catch (error) {
        failures.set(name, error)
      }
    }
  }
  await Promise.all([...Map.groupBy(due, ({ path }) => path).values()].map(async (group) => limit(async () => writeAll(group))))
  const [failed] = [...failures].map(([name, error]) => ({ name, error }))
  return {
    rows: rows.map((row) => (written.has(row.name) ? { ...row, state: 'written' } : afterFailure(row, failures.get(row.name)))),
    failed,
  }
}

function afterFailure(row: Row, error: unknown): Row {
  if (!SecretsError.isInstance(error)) return row
  const { code, problem, effect } = error
  const unsure = { done: 'it was written, but not verified: ', unknown: 'it may have been written: ' }
  return { ...row, reason: (effect === undefined ? '' : unsure[effect]) + problem, code, effect }
}
