import { altered } from '../sqlite/columns.ts'
import type { IndexDigests } from './index-digests.ts'
import { leafOf } from '../record/tree-shape.ts'
import { versionRecordOf } from '../sqlite/row-codecs.ts'
import type { SecretRecord, VersionRecord } from '../record/secret-record.ts'
import type { Tables } from '../sqlite/tables.ts'
import { VersionTree } from './version-tree.ts'

/** The versions of secrets, each verified when it is asked for. */
export interface HeldVersions {
  /** Throws `INTEGRITY` if the version is not what was written. */
  readonly version: (record: SecretRecord, number: number | undefined) => VersionRecord | undefined
  /** The same if it is in memory; no statement is run. */
  readonly known: (record: SecretRecord, number: number | undefined) => VersionRecord | undefined
  /** The length of what is sealed; not authenticated. */
  readonly size: (record: SecretRecord, number: number) => number
  /** The numbers above this one. */
  readonly ascending: (record: SecretRecord, above?: number) => Iterable<number>
  readonly descending: (record: SecretRecord) => Iterable<number>
  /** The tree, to be changed. It is forgotten here, for the transaction may fail. */
  readonly takeTree: (record: SecretRecord) => VersionTree
  /** Remembers the tree and the versions of a record that a write has made. */
  readonly adopt: (before: SecretRecord, next: SecretRecord, tree: VersionTree, changed: readonly VersionRecord[]) => void
}

export function heldVersions(tables: Tables, digests: IndexDigests): HeldVersions {
  /** The current, previous and pending version of each record, once they were read. */
  const named = new WeakMap<SecretRecord, ReadonlyMap<number, VersionRecord>>()
  /** The tree used last, so that repeated writes of one secret read its nodes once. */
  let last: { readonly record: SecretRecord; readonly tree: VersionTree } | undefined
  const known: HeldVersions['known'] = (record, number) => (number === undefined ? undefined : named.get(record)?.get(number))
  const remember = (record: SecretRecord, versions: Iterable<VersionRecord>): void => {
    const kept = [...versions].filter(({ version }) => isNamed(record, version)).map((each) => [each.version, each] as const)
    named.set(record, new Map([...(named.get(record) ?? []), ...kept]))
  }
  const tree = (record: SecretRecord): VersionTree => {
    if (last?.record !== record) last = { record, tree: new VersionTree(digests, tables.nodes(leafOf(record.path), record.path), record) }
    return last.tree
  }
  const read = (record: SecretRecord, number: number): VersionRecord | undefined => {
    const digest = tree(record).digestOf(number)
    if (!digest) return undefined
    const row = tables.version(leafOf(record.path), record.path, number)
    if (!row || !digests.version(record.path, row).equals(digest)) throw altered()
    const version = versionRecordOf(row)
    remember(record, [version])
    return version
  }
  return {
    version: (record, number) => known(record, number) ?? (number === undefined ? undefined : read(record, number)),
    known,
    size: ({ path }, number) => tables.sealedLength(leafOf(path), path, number),
    ascending: (record, above) => tree(record).ascending(above),
    descending: (record) => tree(record).descending(),
    takeTree: (record) => {
      const taken = tree(record)
      last = undefined
      return taken
    },
    adopt: (before, next, changedTree, changed) => {
      last = { record: next, tree: changedTree }
      remember(next, [...(named.get(before)?.values() ?? []), ...changed])
    },
  }
}

function isNamed({ current, previous, pending }: SecretRecord, version: number): boolean {
  return version === current || version === previous || version === pending
}

/** The first so many of these numbers, without those that are left out. */
export function firstOf(numbers: Iterable<number>, most: number, leftOut: readonly (number | undefined)[]): number[] {
  const found: number[] = []
  if (most <= 0) return found
  for (const number of numbers) {
    if (!leftOut.includes(number)) found.push(number)
    if (found.length >= most) break
  }
  return found
}
