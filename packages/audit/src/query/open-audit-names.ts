import { resolve } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { knownOptions } from '@finchat/secrets-core/provider'
import { regularContent } from '../disk/open-regular.ts'
import { keysFailed } from '../record/name-keys.ts'
import { assertNamesFile, rowsIn } from '../record/name-rows.ts'
import { nameIdOf, openedName, pseudonymIn } from '../record/sealed-name.ts'
import { type AuditRecords, assertRecords } from './query.ts'

/** What `openAuditNames` takes beside the records. */
export interface OpenAuditNamesOptions {
  /** The path of `sealNames.file`, or those of several hosts. Absent: no name is opened. */
  readonly file?: string | readonly string[] | undefined
}

/**
 * Yields the records with the names that `sealNames` sealed. One that was erased is shown as
 * `erased name 5c0a8f3b12d4e6f7`, the same in each record; one whose key is not in the file as
 * `sealed name …`. Throws `INVALID_ARGUMENT` if
 * `records` is not iterable, `CONFIGURATION` for an invalid file, and `AUDIT_FAILED` if it cannot be
 * read.
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
 *     for await (const { actor } of openAuditNames(records, { file })) found.push(actor?.slice(0, 7))
 *     return found
 *   })
 *   return result
 * }
 * const before = await actors()
 * await eraseAuditNames('of-persons', { file, names: ['alice@example.com'], reason: 'request of 2026-11-02' })
 * console.log(before, await actors()) // [ 'alice@e' ] [ 'erased ' ]
 */
export function openAuditNames(records: AuditRecords, options: OpenAuditNamesOptions): AsyncGenerator<AuditRecord> {
  const { file = [] } = knownOptions(options, { file: 'any' })
  const files: readonly unknown[] = Array.isArray(file) ? file : [file]
  assertRecords(records)
  return opened(records, files.map(pathOf))
}

function pathOf(file: unknown): string {
  assertNamesFile('file', file)
  return resolve(file)
}

async function* opened(records: AuditRecords, paths: readonly string[]): AsyncGenerator<AuditRecord> {
  const names = new OpenedNames(await keysIn(paths))
  for await (const record of records) yield names.open(record)
}

/** The keys of a file by their pseudonyms, and the pseudonyms of erased names. */
interface KeysOfNames {
  readonly keys: ReadonlyMap<string, Buffer>
  readonly erased: ReadonlySet<string>
}

async function keysIn(paths: readonly string[]): Promise<KeysOfNames> {
  const [keys, erased] = [new Map<string, Buffer>(), new Set<string>()]
  for (const path of paths) {
    const content = await regularContent(path).catch((error: unknown) => {
      throw keysFailed(path, error)
    })
    for (const found of rowsIn(content)) {
      if (found.row !== undefined) keys.set(nameIdOf(found.row.key), found.row.key)
      if (found.erased !== undefined) erased.add(found.erased)
    }
  }
  return { keys, erased }
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
    const name = (key && openedName(key, text)) ?? `${this.#known.erased.has(pseudonym) ? 'erased' : 'sealed'} name ${pseudonym}`
    this.#names.set(text, name)
    return name
  }
}
