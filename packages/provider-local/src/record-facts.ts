import type { SecretRecord, VersionRecord } from './secret-record.ts'

/** A secret as its rows say it: text that is authenticated first, and only then read. */
export interface RecordRows {
  readonly facts: string
  /** Ascending. */
  readonly versions: readonly VersionRow[]
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
]
type VersionFacts = readonly [revision: string, keyId: string, kind: number, createdAt: number, currentSince: Optional]

export function rowsOf(record: SecretRecord): RecordRows {
  const versions = record.versions.map((version) => ({ version: version.version, facts: factsOf(version), seal: version.seal }))
  const { lastVersion, current, previous, pending, deletedAt, tags } = record
  const facts: SecretFacts = [lastVersion, current ?? null, previous ?? null, pending ?? null, deletedAt ?? null, tags]
  return { facts: JSON.stringify(facts), versions }
}

/** As read or made once: each write of a secret is hashed with the facts of every version that it has. */
const made = new WeakMap<VersionRecord, string>()

export function factsOf(version: VersionRecord): string {
  const known = made.get(version)
  if (known !== undefined) return known
  const { revision, keyId, kind, createdAt, currentSince } = version
  const facts: VersionFacts = [revision, keyId, kind, createdAt, currentSince ?? null]
  const text = JSON.stringify(facts)
  made.set(version, text)
  return text
}

/** The secret that rows speak of. They must be authentic: then they are what the functions above have written. */
export function recordOf(path: string, { facts, versions }: RecordRows): SecretRecord {
  const [lastVersion, current, previous, pending, deletedAt, tags] = JSON.parse(facts) as SecretFacts // authentic
  return {
    path,
    lastVersion,
    current: current ?? undefined,
    previous: previous ?? undefined,
    pending: pending ?? undefined,
    deletedAt: deletedAt ?? undefined,
    tags,
    versions: versions.map(versionOf),
  }
}

function versionOf({ version, facts, seal }: VersionRow): VersionRecord {
  const [revision, keyId, kind, createdAt, currentSince] = JSON.parse(facts) as VersionFacts // authentic, with the secret
  const record = { version, revision, keyId, kind, createdAt, currentSince: currentSince ?? undefined, seal }
  made.set(record, facts)
  return record
}
