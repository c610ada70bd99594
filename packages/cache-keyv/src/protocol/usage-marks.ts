import { type KeptMark, SecretsError, type SharedUsage, type UsageMark, type UsageMarks, type UsagePath } from '@finchat/secrets-core'
import { openUsage, type Roster, type RosterMark, sealUsage } from '../sealed/usage-texts.ts'
import { faultOf } from '../store/errors.ts'
import { ServerRun } from '../store/server-run.ts'
import { UsageChain, type UsageContext } from './usage-chain.ts'

const dayMs = 86_400_000
const lifeTtlMs = 90 * dayMs
/** An excused process that did not come back is forgotten. */
const excusedForMs = 30 * dayMs
/** One that lives is excused anew: if it were forgotten, it would miss its mark, and end the record. */
const excusedAnewAfterMs = 15 * dayMs
/** More marks than this cannot be kept, and then no version is known to be unused. */
const mostMarks = 2_000

/** The marks of who uses what. They need a conditional write, which a Keyv does not have. */
export function usageMarksOf(context: Omit<UsageContext, 'serverRun'>): SharedUsage {
  const cache: UsageContext = { ...context, serverRun: new ServerRun(context.client, () => context.stats.recordRestartsUnknown()) }
  const paths = new Map<string, MarkedPath>()
  const at = (path: UsagePath): MarkedPath => {
    const id = JSON.stringify([path.sharedAs, path.path])
    const known = paths.get(id) ?? { cache, chain: new UsageChain(cache, path), registered: new Map() }
    paths.set(id, known)
    return known
  }
  const answered = async <T>(path: UsagePath, call: (marked: MarkedPath) => Promise<T>): Promise<T> => {
    try {
      return await cache.lifecycle.run(() => call(at(path)))
    } catch (error) {
      if (SecretsError.isInstance(error)) throw error
      throw new SecretsError('UNAVAILABLE', `the shared cache cannot be asked for usage marks (${faultOf(error).reason})`)
    }
  }
  return {
    register: (path, mark, { signal }) => answered(path, (marked) => register(marked, mark, signal)),
    seen: (path, process, { signal }) => answered(path, (marked) => seen(marked, process, signal)),
    read: (path) => answered(path, read),
    excuse: (path, marks, { signal }) =>
      answered(path, async ({ chain }) => void (await chain.change((roster) => excused(roster, marks), signal))),
  }
}

interface MarkedPath {
  readonly cache: UsageContext
  readonly chain: UsageChain
  /** By process, the chain in which its mark was acknowledged. */
  readonly registered: Map<string, string>
}

async function register(marked: MarkedPath, mark: UsageMark, signal: AbortSignal): Promise<void> {
  const { chain, registered } = marked
  if (mark.uses.length > 0) await live(marked, mark.process)
  registered.delete(mark.process)
  let isFull = false
  const inChain = await chain.change((roster) => {
    const next = withMark(roster, mark)
    isFull = mark.uses.length > 0 && !has(next, mark.process)
    return next
  }, signal)
  if (isFull) throw full()
  if (mark.uses.length > 0) registered.set(mark.process, inChain)
}

async function seen(marked: MarkedPath, process: string, signal: AbortSignal): Promise<boolean> {
  const { chain, registered } = marked
  await live(marked, process)
  const last = await chain.last()
  if (last?.roster !== undefined && has(last.roster, process)) {
    const anew = (roster: Roster): Roster => excusedAnew(roster, process)
    if (anew(last.roster) !== last.roster) await chain.change(anew, signal)
    return true
  }
  // The mark was in this chain: it was lost, and others may be too.
  if (last !== undefined && last.chain === registered.get(process)) await chain.abandon()
  return false
}

async function live({ cache, chain }: MarkedPath, process: string): Promise<void> {
  await chain.set(chain.names.life(process), sealUsage(cache.keys, chain.place('usage life', process), Date.now()), lifeTtlMs)
}

async function read(marked: MarkedPath): Promise<UsageMarks | undefined> {
  const found = await marked.chain.surelyLast()
  if (found?.last.roster === undefined) return undefined
  const { begunAt, marks } = found.last.roster
  const keptMark = async ({ excusedAt, ...mark }: RosterMark): Promise<KeptMark> => {
    return { ...mark, seenAt: await seenAt(marked, mark), isExcused: excusedAt !== undefined }
  }
  return { completeSince: found.isSameRun ? begunAt : undefined, marks: await Promise.all(marks.map(keptMark)) }
}

async function seenAt({ cache, chain }: MarkedPath, { process }: UsageMark): Promise<number | undefined> {
  const at = openUsage(cache.keys, chain.place('usage life', process), await chain.get(chain.names.life(process)))
  return typeof at === 'number' ? at : undefined
}

/** The same roster if it has this mark or a later one of the process. */
function withMark(roster: Roster, mark: UsageMark): Roster {
  const known = roster.marks.find(({ process }) => process === mark.process)
  const isKnown = known === undefined ? mark.uses.length === 0 : known.count >= mark.count
  if (isKnown) return roster
  const others = roster.marks.filter((other) => other !== known && !isForgotten(other))
  if (mark.uses.length === 0) return { ...roster, marks: others }
  return others.length < mostMarks ? { ...roster, marks: [...others, mark] } : { begunAt: Date.now(), marks: others }
}

function excused(roster: Roster, marks: readonly Pick<UsageMark, 'process' | 'count'>[]): Roster {
  const isNew = (mark: RosterMark): boolean =>
    mark.excusedAt === undefined && marks.some(({ process, count }) => process === mark.process && count >= mark.count)
  if (!roster.marks.some(isNew)) return roster
  return { ...roster, marks: roster.marks.map((mark) => (isNew(mark) ? { ...mark, excusedAt: Date.now() } : mark)) }
}

function excusedAnew(roster: Roster, process: string): Roster {
  const isOld = ({ process: of, excusedAt = Infinity }: RosterMark): boolean =>
    of === process && Date.now() - excusedAt > excusedAnewAfterMs
  if (!roster.marks.some(isOld)) return roster
  return { ...roster, marks: roster.marks.map((mark) => (isOld(mark) ? { ...mark, excusedAt: Date.now() } : mark)) }
}

function isForgotten({ excusedAt }: RosterMark): boolean {
  return excusedAt !== undefined && Date.now() - excusedAt > excusedForMs
}

function has({ marks }: Roster, process: string): boolean {
  return marks.some((mark) => mark.process === process)
}

function full(): SecretsError {
  return new SecretsError('UNAVAILABLE', `the shared cache keeps ${mostMarks} usage marks of a secret, and no more`, {
    remedy: 'let fewer processes register, or close managers that are not used any more',
  })
}
