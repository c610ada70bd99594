import { basename } from 'node:path'
import type { VerificationReport } from './verification-report.ts'
import { type ChainKey, isMac, type KeyBudget } from '../keys/key-chain.ts'
import type { StartKey } from '../keys/start-key.ts'
import { areAlike, foreignNames, type LeftOutFile, type SegmentFile, sortedFiles } from '../format/segment-files.ts'
import { readSegment } from '../format/segment-reader.ts'
import { DamagedArchive } from '../format/gzip-file.ts'
import type { IndexFindings } from './findings.ts'

/** A segment that was opened, or claims to be. */
export interface FoundSegment {
  readonly step: number
  /** The key of group 0. */
  readonly key: ChainKey
  /** `undefined`: no such file is in the folder. */
  readonly path: string | undefined
}

export interface TrailFiles {
  readonly folder: string
  readonly files: readonly SegmentFile[]
  readonly index: IndexFindings
  readonly start: StartKey
  /** Epochs that checkpoints mention. */
  readonly checkpointed: Iterable<number>
  readonly budget: KeyBudget
}

/** The segments by index, checkpoints and files. Reports foreign files. */
export async function segmentsFound(trail: TrailFiles, report: VerificationReport): Promise<readonly FoundSegment[]> {
  const { folder, files, index, checkpointed } = trail
  const isKnown = (step: number): boolean => index.opened.has(step) || index.unknown.has(step) || index.earlier.has(step)
  const { segments, leftOut } = sortedFiles(files, ({ folder: id }) => id === (index.folder ?? id), isKnown)
  const strays = leftOut.filter((file) => !isCopy(file, isKnown))
  for (const file of leftOut) if (!strays.includes(file)) await reportCopy(file, segments, report)
  const proven = await provenStrays(strays, trail)
  for (const file of strays) reportStray(file, index, proven, report)
  for (const name of await foreignNames(folder)) report.foreign(name, 'the file does not belong to the trail')
  const unknown = [...index.unknown].filter((step) => segments.has(step))
  const spokenOf = [...checkpointed].filter((step) => index.unknown.has(step) && !segments.has(step))
  const keys = keysOf([...unknown, ...spokenOf], trail)
  const found = [...index.opened, ...keys].map(([step, key]) => ({ step, key, path: segments.get(step) }))
  return [...found, ...proven].toSorted((one, other) => one.step - other.step)
}

function isCopy({ step }: LeftOutFile, isKnown: (step: number) => boolean): boolean {
  return step !== undefined && isKnown(step)
}

async function reportCopy(
  { path, step = 0, isFile }: LeftOutFile,
  segments: ReadonlyMap<number, string>,
  report: VerificationReport,
): Promise<void> {
  const original = segments.get(step)
  const alike = isFile && original !== undefined && (await areAlike(original, path))
  const what = alike ? 'the file is a copy of' : 'the file is named or begins as'
  report.foreign(basename(path), `${what} segment ${step}, which was read from ${original === undefined ? 'no file' : basename(original)}`)
}

/**
 * A file is a segment without an index line if its header is sealed: it is younger, or the line is
 * gone.
 */
async function provenStrays(strays: readonly LeftOutFile[], trail: TrailFiles): Promise<readonly FoundSegment[]> {
  const { index } = trail
  const mayBeOurs = strays.filter(({ step = -1, header, isFile }) => isFile && header !== undefined && step >= index.length)
  const keys = keysOf(
    mayBeOurs.map(({ step = 0 }) => step),
    trail,
  )
  const proven: FoundSegment[] = []
  for (const { path, step = 0 } of mayBeOurs) {
    const key = keys.get(step)
    if (key === undefined || proven.some((one) => one.step === step)) continue
    if (await isHeaderSealed(path, key)) proven.push({ step, key, path })
  }
  return proven
}

/** Without an authentic index line the key may be another folder's, and nothing can be said. */
function reportStray(
  { path, step, header }: LeftOutFile,
  index: IndexFindings,
  proven: readonly FoundSegment[],
  report: VerificationReport,
): void {
  const isProven = proven.some((one) => one.path === path)
  if (index.folder === undefined) return
  const [file, line] = [basename(path), 1]
  if (step === undefined && header === undefined) return report.foreign(file, 'the file is not a segment')
  const isLater = step !== undefined && step >= index.length
  const explanation = isLater
    ? 'no line of the index opened this segment: it was added, or copied later than the index'
    : 'the file is not a segment that this folder opened'
  report.problems.add({
    what: 'inserted',
    file,
    line,
    explanation,
    ...(isProven && { segment: step }),
    ...(isLater && { mayBeCopy: true }),
  })
}

async function isHeaderSealed(path: string, key: ChainKey): Promise<boolean> {
  try {
    for await (const { lines, seal } of readSegment(path)) {
      return seal?.group === 0 && isMac(key.mac('seal', ...lines, seal.signed), seal.mac)
    }
  } catch (error) {
    if (!(error instanceof DamagedArchive)) throw error
  }
  return false
}

/** Keys beyond the index come out of the budget. */
function keysOf(steps: readonly number[], { start, index, budget }: TrailFiles): ReadonlyMap<number, ChainKey> {
  const keys = new Map<number, ChainKey>()
  let [key, reached] = [start.key, start.step]
  for (const step of steps.filter((each) => each >= start.step).toSorted((one, other) => one - other)) {
    const beyond = Math.max(0, step - Math.max(reached, index.length))
    if (!budget.take(beyond)) break
    ;[key, reached] = [budget.hold(key.later(step - reached)), step]
    keys.set(step, budget.hold(key.derived('segment')))
  }
  return keys
}
