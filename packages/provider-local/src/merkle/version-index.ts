import type { SecretRecord, VersionRecord } from '../record/secret-record.ts'
import { leafOf } from '../record/tree-shape.ts'
import { altered } from '../sqlite/columns.ts'
import { versionRecordOf } from '../sqlite/row-codecs.ts'
import type { Tables } from '../sqlite/tables.ts'
import type { IndexDigests } from './index-digests.ts'
import { VersionTree } from './version-tree.ts'

/** Versions of secrets, each verified when it is read. */
export class VersionIndex {
  readonly #tables: Tables
  readonly #digests: IndexDigests
  /** Current, previous and pending versions that were read. */
  readonly #named = new WeakMap<SecretRecord, ReadonlyMap<number, VersionRecord>>()
  /** The last tree used, so that repeated writes of one secret read its nodes once. */
  #last: { readonly record: SecretRecord; readonly tree: VersionTree } | undefined

  constructor(tables: Tables, digests: IndexDigests) {
    this.#tables = tables
    this.#digests = digests
  }

  /** Throws `INTEGRITY` if the version was altered. */
  version(record: SecretRecord, number: number | undefined): VersionRecord | undefined {
    return this.known(record, number) ?? (number === undefined ? undefined : this.#read(record, number))
  }

  /** The version if it is in memory; runs no statement. */
  known(record: SecretRecord, number: number | undefined): VersionRecord | undefined {
    return number === undefined ? undefined : this.#named.get(record)?.get(number)
  }

  /** Length of the sealed value; not authenticated. */
  size({ path }: SecretRecord, number: number): number {
    return this.#tables.sealedLength(leafOf(path), path, number)
  }

  /** Version numbers above `above`. */
  ascending(record: SecretRecord, above?: number): Iterable<number> {
    return this.#tree(record).ascending(above)
  }

  descending(record: SecretRecord): Iterable<number> {
    return this.#tree(record).descending()
  }

  /** The tree to change. It is dropped from memory, since the transaction may fail. */
  takeTree(record: SecretRecord): VersionTree {
    const tree = this.#tree(record)
    this.#last = undefined
    return tree
  }

  /** Caches the tree and versions of a written record. */
  adopt(before: SecretRecord, next: SecretRecord, tree: VersionTree, changed: readonly VersionRecord[]): void {
    this.#last = { record: next, tree }
    this.#remember(next, [...(this.#named.get(before)?.values() ?? []), ...changed])
  }

  #tree(record: SecretRecord): VersionTree {
    if (this.#last?.record !== record) {
      const rows = this.#tables.nodes(leafOf(record.path), record.path)
      this.#last = { record, tree: new VersionTree(this.#digests, rows, record) }
    }
    return this.#last.tree
  }

  #read(record: SecretRecord, number: number): VersionRecord | undefined {
    const digest = this.#tree(record).digestOf(number)
    if (!digest) return undefined
    const row = this.#tables.version(leafOf(record.path), record.path, number)
    if (!row || !this.#digests.version(record.path, row).equals(digest)) throw altered()
    const version = versionRecordOf(row)
    this.#remember(record, [version])
    return version
  }

  #remember(record: SecretRecord, versions: Iterable<VersionRecord>): void {
    const named = [...versions].filter(({ version }) => isNamed(record, version))
    this.#named.set(record, new Map([...(this.#named.get(record) ?? []), ...named.map((each) => [each.version, each] as const)]))
  }
}

function isNamed({ current, previous, pending }: SecretRecord, version: number): boolean {
  return version === current || version === previous || version === pending
}

/** At most `max` numbers, without those of `except`. */
export function takeFirst(numbers: Iterable<number>, max: number, except: readonly (number | undefined)[]): number[] {
  const found: number[] = []
  if (max <= 0) return found
  for (const number of numbers) {
    if (!except.includes(number)) found.push(number)
    if (found.length >= max) break
  }
  return found
}
