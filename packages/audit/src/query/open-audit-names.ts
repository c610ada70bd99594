import { resolve } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { knownOptions } from '@finchat/secrets-core/provider'
import { regularContent } from '../disk/open-regular.ts'
import { trailIdOf } from '../format/first-entry.ts'
import { keysFailed } from '../record/name-keys.ts'
import { assertFolder } from '../record/errors.ts'
import { assertNamesFile, keysOfAnother, rowsIn, trailsIn } from '../record/name-rows.ts'
import { nameIdOf, openedName, pseudonymIn } from '../record/sealed-name.ts'
import type { UnreadableName } from './audit-summary.ts'
import { type AuditRecords, assertRecords } from './query.ts'
import { placeholderOf, UnreadableTally } from './unreadable-names.ts'

/** What `openAuditNames` takes beside the records. */
export interface OpenAuditNamesOptions {
  /** The path of `sealNames.file`, or those of several hosts. Absent: no name is opened. */
  readonly file?: string | readonly string[] | undefined
  /**
   * The folder of the records, or those of several hosts. Then the keys of another trail are refused.
   * Default: files are not compared, and names that they have no key for stay sealed.
   */
  readonly folder?: string | readonly string[] | undefined
}

/** Records, and which of their names could not be opened. */
export type OpenedRecords = AsyncGenerator<AuditRecord> & {
  /** Of the records that were read so far. */
  readonly unreadable: readonly UnreadableName[]
}

/**
 * Yields the records with the names that `sealNames` sealed. One that was erased is shown as
 * `erased name …` with a pseudonym of 32 hex digits, the same in each record. One whose key is not in
 * the file is shown as `sealed name …`, or as `lost name …` if `folder` is given with a file of each.
 * Throws `INVALID_ARGUMENT` if `records` is not iterable, `CONFIGURATION` for an invalid file or folder
 * and for the keys of another trail, and `AUDIT_FAILED` if a file cannot be read.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
 * import { eraseAuditNames } from '@finchat/secrets-audit/folder'
 * import { openAuditNames, verifiedTrail } from '@finchat/secrets-audit/report'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const file = 'audit-names.key'
 * const { key } = await initAuditFolder('of-persons')
 * const audit = auditTrail({ sinks: [jsonLinesFile({ folder: 'of-persons' })], sealNames: { file } })
 * const secrets = createSecretsManager({ providers: [envProvider()], audit })
 * await secrets.getSecret('FINCHAT_TOKEN', { actor: 'alice@example.com' })
 * await secrets.close()
 *
 * const actors = async () => {
 *   const { result } = await verifiedTrail('of-persons', { key }, async (records) => {
 *     const found: unknown[] = []
 *     for await (const { actor } of openAuditNames(records, { file, folder: 'of-persons' })) found.push(actor?.slice(0, 7))
 *     return found
 *   })
 *   return result
 * }
 * const before = await actors()
 * await eraseAuditNames('of-persons', { file, names: ['alice@example.com'], reason: 'request of 2026-11-02' })
 * console.log(before, await actors()) // [ 'alice@e' ] [ 'erased ' ]
 */
export function openAuditNames(records: AuditRecords, options: OpenAuditNamesOptions): OpenedRecords {
  const { file = [], folder = [] } = knownOptions(options, { file: 'any', folder: 'any' })
  assertRecords(records)
  const folders = listOf(folder).map(folderOf)
  const tally = new UnreadableTally()
  const iterable = opened(records, listOf(file).map(pathOf), folders, tally)
  return Object.defineProperty(iterable, 'unreadable', { get: () => tally.list() }) as OpenedRecords
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function folderOf(folder: unknown): string {
  assertFolder(folder)
  return folder
}

function pathOf(file: unknown): string {
  assertNamesFile('file', file)
  return resolve(file)
}

async function* opened(
  records: AuditRecords,
  paths: readonly string[],
  folders: readonly string[],
  tally: UnreadableTally,
): AsyncGenerator<AuditRecord> {
  const trails = folders.map((folder) => trailIdOf(folder))
  const names = new OpenedNames(await keysIn(paths, trails))
  for await (const record of records) {
    const shown = names.open(record)
    tally.add(shown)
    yield shown
  }
}

/** The keys of a file by their pseudonyms, and the pseudonyms of erased names. */
interface KeysOfNames {
  readonly keys: ReadonlyMap<string, Buffer>
  readonly erased: ReadonlySet<string>
  /** There is a file of the trail of each folder. */
  readonly areAllGiven: boolean
}

async function keysIn(paths: readonly string[], trails: readonly (string | undefined)[]): Promise<KeysOfNames> {
  const [keys, erased, given] = [new Map<string, Buffer>(), new Set<string>(), new Set<string>()]
  const known = trails.filter((trail) => trail !== undefined)
  for (const path of paths) {
    const content = await regularContent(path).catch((error: unknown) => {
      throw keysFailed(path, error)
    })
    const own = trailsIn(content)
    if (known.length > 0 && own.size > 0 && !known.some((trail) => own.has(trail))) throw keysOfAnother(path)
    for (const trail of own) given.add(trail)
    for (const found of rowsIn(content)) {
      if (found.row !== undefined) keys.set(nameIdOf(found.row.key), found.row.key)
      if (found.erased !== undefined) erased.add(found.erased)
    }
  }
  const areAllGiven = trails.length > 0 && trails.every((trail) => trail !== undefined && given.has(trail))
  return { keys, erased, areAllGiven }
}

/** A name is opened once. */
class OpenedNames {
  readonly #known: KeysOfNames
  readonly #names = new Map<string, string>()

  constructor(known: KeysOfNames) {
    this.#known = known
  }

  open(record: AuditRecord): AuditRecord {
    const { actor, name } = record
    const [openActor, openName] = [actor === undefined ? undefined : this.#nameOf(actor), this.#nameOf(name)]
    return openActor === actor && openName === name ? record : { ...record, actor: openActor, name: openName }
  }

  #nameOf(text: string): string {
    const pseudonym = pseudonymIn(text)
    if (pseudonym === undefined) return text
    const known = this.#names.get(text)
    if (known !== undefined) return known
    const key = this.#known.keys.get(pseudonym)
    const name = (key && openedName(key, text)) ?? placeholderOf(this.#stateOf(pseudonym), pseudonym)
    this.#names.set(text, name)
    return name
  }

  #stateOf(pseudonym: string): UnreadableName['state'] {
    if (this.#known.erased.has(pseudonym)) return 'erased'
    return this.#known.areAllGiven && !this.#known.keys.has(pseudonym) ? 'lost' : 'sealed'
  }
}
