import { basename } from 'node:path'
import type { VerificationReport } from './verification-report.ts'
import { type ChainKey, isMac, type KeyBudget } from '../keys/key-chain.ts'
import type { StartKey } from '../keys/start-key.ts'
import type { FolderFiles, LeftOutFile } from '../format/folder-files.ts'
import { areAlike } from '../format/segment-files.ts'
import { readSegment } from '../format/segment-reader.ts'
import { DamagedArchive } from '../disk/gzip-file.ts'
import { StepSet } from '../tables/step-set.ts'
import type { IndexFindings } from './findings.ts'
import { SegmentKeys } from '../keys/segment-keys.ts'

/** Segments that were opened, or claim to be. */
export interface FoundSegments {
  readonly steps: StepSet
  /** `undefined`: no such file is in the folder. */
  readonly pathOf: (step: number) => string | undefined
}

export interface TrailFiles {
  readonly files: FolderFiles
  readonly index: IndexFindings
  readonly start: StartKey
  /** Epochs that checkpoints mention. */
  readonly checkpointed: Iterable<number>
  readonly budget: KeyBudget
}

/** The segments by index, checkpoints and files. Reports foreign files. */
export async function segmentsFound(trail: TrailFiles, report: VerificationReport): Promise<FoundSegments> {
  const { files, index, checkpointed } = trail
  const isKnown = (step: number): boolean => index.opened.has(step) || index.unknown.has(step) || index.earlier.has(step)
  const { pathOf, leftOut } = await files.sorted(({ folder: id }) => id === (index.folder ?? id), isKnown)
  const strays = leftOut.filter((file) => !isCopy(file, isKnown))
  for (const file of leftOut) if (!strays.includes(file)) await reportCopy(file, pathOf, report)
  const proven = await provenStrays(strays, trail)
  for (const file of strays) reportStray(file, index, proven, report)
  for (const name of files.foreign) report.foreign(name, 'the file does not belong to the trail')
  const named = new Set(checkpointed)
  const unknown = [...index.unknown].filter((step) => named.has(step) || pathOf(step) !== undefined)
  const steps = new StepSet()
  for (const each of [index.opened, withinBudget(unknown, trail), proven.keys()]) for (const step of each) steps.add(step)
  return { steps, pathOf: (step) => proven.get(step) ?? pathOf(step) }
}

function isCopy({ step }: LeftOutFile, isKnown: (step: number) => boolean): boolean {
  return step !== undefined && isKnown(step)
}

async function reportCopy(
  { path, step = 0, isFile }: LeftOutFile,
  pathOf: FoundSegments['pathOf'],
  report: VerificationReport,
): Promise<void> {
  const original = pathOf(step)
  const alike = isFile && original !== undefined && (await areAlike(original, path))
  const what = alike ? 'the file is a copy of' : 'the file is named or begins as'
  report.foreign(basename(path), `${what} segment ${step}, which was read from ${original === undefined ? 'no file' : basename(original)}`)
}

/**
 * A file is a segment without an index line if its header is sealed: it is younger, or the line is
 * gone. Returns the path of each, by epoch.
 */
async function provenStrays(strays: readonly LeftOutFile[], trail: TrailFiles): Promise<ReadonlyMap<number, string>> {
  const mayBeOurs = strays.filter(({ step = -1, header, isFile }) => isFile && header !== undefined && step >= trail.index.length)
  const known = new Set(withinBudget(new Set(mayBeOurs.map(({ step = 0 }) => step)), trail))
  const keys = new SegmentKeys(trail.start)
  const proven = new Map<number, string>()
  try {
    for (const step of known) {
      const key = keys.of(step)
      for (const { path } of mayBeOurs.filter((file) => file.step === step && !proven.has(step)))
        if (await isHeaderSealed(path, key)) proven.set(step, path)
      key.wipe()
    }
    return proven
  } finally {
    keys.wipe()
  }
}

/** Without an authentic index line the key may be another folder's, and nothing can be said. */
function reportStray(
  { path, step, header }: LeftOutFile,
  index: IndexFindings,
  proven: ReadonlyMap<number, string>,
  report: VerificationReport,
): void {
  const isProven = step !== undefined && proven.get(step) === path
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

/** Those whose keys may be derived, in ascending order: keys beyond the index come out of the budget. */
function* withinBudget(steps: Iterable<number>, { start, index, budget }: TrailFiles): Generator<number> {
  let reached = Math.max(start.step, index.length)
  for (const step of [...steps].filter((each) => each >= start.step).toSorted((one, other) => one - other)) {
    if (!budget.take(Math.max(0, step - reached))) return
    reached = Math.max(reached, step)
    yield step
  }
}
