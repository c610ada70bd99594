import type { SecretRecord, VersionRecord } from '../record/secret-record.ts'
import { leafOf } from '../record/tree-shape.ts'
import { altered } from '../sqlite/columns.ts'
import { versionRecordOf } from '../sqlite/row-codecs.ts'
import type { Tables } from '../sqlite/tables.ts'
import type { IndexDigests } from './index-digests.ts'
import { VersionTree } from './version-tree.ts'

/** Versions of secrets, each verified when it is read. */
export interface VersionIndex {
  /** Throws `INTEGRITY` if the version was altered. */
  readonly version: (record: SecretRecord, number: number | undefined) => VersionRecord | undefined
  /** The version if it is in memory; runs no statement. */
  readonly known: (record: SecretRecord, number: number | undefined) => VersionRecord | undefined
  /** Length of the sealed value; not authenticated. */
  readonly size: (record: SecretRecord, number: number) => number
  /** Version numbers above `above`. */
  readonly ascending: (record: SecretRecord, above?: number) => Iterable<number>
  readonly descending: (record: SecretRecord) => Iterable<number>
  /** The tree to change. It is dropped from memory, since the transaction may fail. */
  readonly takeTree: (record: SecretRecord) => VersionTree
  /** Caches the tree and versions of a written record. */
  readonly adopt: (before: SecretRecord, next: SecretRecord, tree: VersionTree, changed: readonly VersionRecord[]) => void
}

export function versionIndex(tables: Tables, digests: IndexDigests): VersionIndex {
  /** Current, previous and pending versions that were read. */
  const named = new WeakMap<SecretRecord, ReadonlyMap<number, VersionRecord>>()
  /** The last tree used, so that repeated writes of one secret read its nodes once. */
  let last: { readonly record: SecretRecord; readonly tree: VersionTree } | undefined
  const known: VersionIndex['known'] = (record, number) => (number === undefined ? undefined : named.get(record)?.get(number))
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

/** At most `most` numbers, without those of `except`. */
export function takeFirst(numbers: Iterable<number>, most: number, except: readonly (number | undefined)[]): number[] {
  const found: number[] = []
  if (most <= 0) return found
  for (const number of numbers) {
    if (!except.includes(number)) found.push(number)
    if (found.length >= most) break
  }
  return found
}
