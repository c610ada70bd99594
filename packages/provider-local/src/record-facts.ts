import type { SecretRecord, VersionRecord } from './secret-record.ts'

/** A secret's own row: facts, which are authenticated before they are parsed, and its root. */
export interface RecordRow {
  readonly facts: string
  readonly root: Buffer
}

export interface VersionRow extends Pick<VersionRecord, 'version' | 'seal'> {
  readonly facts: string
}

/** JSON has no `undefined`. */
type Optional = number | null
type SecretFacts = readonly [
  lastVersion: number,
  current: Optional,
  previous: Optional,
  pending: Optional,
  deletedAt: Optional,
  tags: SecretRecord['tags'],
  count: number,
]
type VersionFacts = readonly [revision: string, keyId: string, kind: number, createdAt: number, currentSince: Optional]

export function rowOf(record: SecretRecord): RecordRow {
  const { lastVersion, current, previous, pending, deletedAt, tags, count, root } = record
  const facts: SecretFacts = [lastVersion, current ?? null, previous ?? null, pending ?? null, deletedAt ?? null, tags, count]
  return { facts: JSON.stringify(facts), root }
}

/** The secret of an authentic row, which the function above has written. */
export function recordOf(path: string, { facts, root }: RecordRow): SecretRecord {
  const [lastVersion, current, previous, pending, deletedAt, tags, count] = JSON.parse(facts) as SecretFacts // authentic
  return {
    path,
    lastVersion,
    current: current ?? undefined,
    previous: previous ?? undefined,
    pending: pending ?? undefined,
    deletedAt: deletedAt ?? undefined,
    tags,
    count,
    root,
  }
}

export function versionRowOf(version: VersionRecord): VersionRow {
  const { revision, keyId, kind, createdAt, currentSince } = version
  const facts: VersionFacts = [revision, keyId, kind, createdAt, currentSince ?? null]
  return { version: version.version, facts: JSON.stringify(facts), seal: version.seal }
}

/** The version that an authentic row speaks of. */
export function versionRecordOf({ version, facts, seal }: VersionRow): VersionRecord {
  const [revision, keyId, kind, createdAt, currentSince] = JSON.parse(facts) as VersionFacts // authentic
  return { version, revision, keyId, kind, createdAt, currentSince: currentSince ?? undefined, seal }
}
