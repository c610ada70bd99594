import type { AuditRecord } from '@finchat/secrets-core'
import { invalidArgument, SecretsError } from '@finchat/secrets-core/provider'
import type { SegmentGroup } from '../format/segment-reader.ts'
import { loadVerification } from '../verify/verify-audit-trail.ts'
import type { LineDigests } from '../tables/line-digests.ts'
import type { AuditVerification } from '../verify/audit-verification.ts'
import { checkedVerifyOptions, type VerifyAuditOptions } from '../verify/verify-options.ts'
import { folderOfKey } from './choose-audit-key.ts'
import { readOnce } from './read-once.ts'

/** A folder to verify, with its key and checkpoints. */
export interface TrailSource extends VerifyAuditOptions {
  readonly folder: string
}

/** What was found of one folder. */
export interface FolderVerification {
  /** As it was named. */
  readonly folder: string
  /** Where its checkpoints were read. */
  readonly checkpoints?: string | undefined
  /** Absent: it was not verified, or could not be. */
  readonly verification?: AuditVerification | undefined
  /** Why it could not be verified. */
  readonly failure?: string | undefined
  /** Another folder of the report with the same id. */
  readonly twin?: TrailTwin | undefined
}

/** How a folder relates to another one with the same id. */
export interface TrailTwin {
  readonly folder: string
  /**
   * `older`, `newer`: one is an earlier copy of the other. `forked`: their histories part, so two
   * machines wrote as one.
   */
  readonly relation: 'same' | 'older' | 'newer' | 'forked'
}

/** What was found of each folder, and what was read in the same pass. */
export interface VerifiedTrails<Result> {
  readonly trails: readonly FolderVerification[]
  /** What `read` returned. */
  readonly result: Result
}

/**
 * Verifies several folders, one after the other, and passes the authentic records of all of them to
 * `read`: for one report over many hosts. A folder that cannot be verified does not end it: its
 * `failure` says why. Two folders with one id are compared. Returns what was found of each folder,
 * and what `read` resolves to. Throws `INVALID_ARGUMENT` for a list without folders.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 * import { summarize, summaryReport, verifiedTrails } from '@finchat/secrets-audit/report'
 *
 * const sources = []
 * for (const folder of ['of-web-1', 'of-web-2']) sources.push({ folder, key: (await initAuditFolder(folder)).key })
 * const { trails, result } = await verifiedTrails(sources, (records) => summarize(records))
 * const report = summaryReport(result, { format: 'text', trails, expected: ['web-1', 'web-2'] })
 * console.log(report.includes('Missing: no record of web-1, web-2')) // true
 */
export async function verifiedTrails<Result>(
  sources: readonly TrailSource[],
  read: (records: AsyncIterable<AuditRecord>) => Promise<Result>,
): Promise<VerifiedTrails<Result>> {
  if (!Array.isArray(sources) || sources.length === 0)
    throw invalidArgument('`sources` is not a list of one or more folders', "pass [{ folder: 'copy/audit', key }]")
  if (typeof read !== 'function') throw invalidArgument('`read` is not a function', 'pass (records) => summarize(records)')
  const found: Found[] = []
  const result = await readOnce(groupsOfAll(sources, found), read)
  return { trails: found.map((one) => ({ ...one.trail, ...twinOf(one, found) })), result }
}

interface Found {
  readonly trail: FolderVerification
  /** By the id of each folder, the hashes of the lines of its index, if another trail has the same id. */
  readonly lines: LinesOfTrail
}

type LinesOfTrail = ReadonlyMap<string, LineDigests>

async function* groupsOfAll(sources: readonly TrailSource[], found: Found[]): AsyncGenerator<SegmentGroup> {
  const TrailVerification = await loadVerification()
  const ids = sources.map(idOf)
  for (const [at, { folder, ...options }] of sources.entries()) {
    const hasTwin = ids[at] !== undefined && ids.indexOf(ids[at]) !== ids.lastIndexOf(ids[at])
    const { checkpoint } = options
    const about = { folder, checkpoints: typeof checkpoint === 'string' ? checkpoint : undefined }
    try {
      const checked = checkedVerifyOptions(folder, options)
      try {
        const verification = new TrailVerification(folder, checked, hasTwin)
        yield* verification.groups()
        found.push({ trail: { ...about, verification: verification.result() }, lines: verification.lines })
      } finally {
        checked.start.key.wipe()
      }
    } catch (error) {
      if (!SecretsError.isInstance(error)) throw error
      found.push({ trail: { ...about, failure: error.message }, lines: new Map() })
    }
  }
}

/** By its key. Why a key is none, its verification says. */
function idOf({ key }: TrailSource): string | undefined {
  try {
    return folderOfKey(key)
  } catch (error) {
    if (!SecretsError.isInstance(error)) throw error
    return undefined
  }
}

/** The first other folder with this id. */
function twinOf({ trail, lines }: Found, all: readonly Found[]): { readonly twin?: TrailTwin } {
  const id = trail.verification?.id
  const other = all.find((one) => one.trail !== trail && id !== undefined && one.trail.verification?.id === id)
  if (other === undefined || lines.size === 0 || other.lines.size === 0) return {}
  return { twin: { folder: other.trail.folder, relation: relationOf(lines, other.lines) } }
}

function relationOf(own: LinesOfTrail, other: LinesOfTrail): TrailTwin['relation'] {
  for (const [id, lines] of own) if (isForked(lines, other.get(id))) return 'forked'
  const [ownSize, otherSize] = [sizeOf(own), sizeOf(other)]
  if (ownSize === otherSize) return 'same'
  return ownSize < otherSize ? 'older' : 'newer'
}

/** Each line of the index holds the hash of the line before, so that two histories never meet again. */
function isForked(own: LineDigests, other: LineDigests | undefined): boolean {
  if (other === undefined) return false
  for (const step of own.steps) if (other.steps.has(step) && own.get(step) !== other.get(step)) return true
  return false
}

function sizeOf(trail: LinesOfTrail): number {
  let size = 0
  for (const { steps } of trail.values()) size += steps.size
  return size
}
