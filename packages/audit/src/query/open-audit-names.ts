import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AuditRecord } from '@finchat/secrets-core'
import { knownOptions } from '@finchat/secrets-core/provider'
import { assertNamesFile } from '../record/errors.ts'
import { keysFailed } from '../record/name-keys.ts'
import { rowsIn } from '../record/name-rows.ts'
import { nameIdOf, openedName, pseudonymIn } from '../record/sealed-name.ts'
import { type AuditRecords, assertRecords } from './query.ts'

/** What `openAuditNames` takes beside the records. */
export interface OpenAuditNamesOptions {
  /** The path of `sealNames.file`. */
  readonly file: string
}

/**
 * Yields the records with the names that `sealNames` sealed. A name whose key was erased stays a
 * pseudonym, such as `sealed:5c0a8f3b12d4e6f7`, the same in each record. Throws `INVALID_ARGUMENT` if
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
 *   const { result } = await verifiedTrail('of-persons', { key }, (records) => Array.fromAsync(openAuditNames(records, { file })))
 *   return result.map(({ actor }) => actor?.slice(0, 7))
 * }
 * const before = await actors()
 * await eraseAuditNames(file, ['alice@example.com'])
 * console.log(before, await actors()) // [ 'alice@e' ] [ 'sealed:' ]
 */
export function openAuditNames(records: AuditRecords, options: OpenAuditNamesOptions): AsyncGenerator<AuditRecord> {
  const { file } = knownOptions(options, { file: 'string' })
  assertNamesFile('file', file)
  assertRecords(records)
  return opened(records, resolve(file))
}

async function* opened(records: AuditRecords, path: string): AsyncGenerator<AuditRecord> {
  const names = new OpenedNames(await keysIn(path))
  for await (const record of records) yield names.open(record)
}

async function keysIn(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const content = await readFile(path).catch((error: unknown) => {
    throw keysFailed(path, error)
  })
  const keys = new Map<string, Buffer>()
  for (const { row } of rowsIn(content)) if (row !== undefined) keys.set(nameIdOf(row.key), row.key)
  return keys
}

/** A name is opened once. */
class OpenedNames {
  readonly #keys: ReadonlyMap<string, Buffer>
  readonly #names = new Map<string, string>()

  constructor(keys: ReadonlyMap<string, Buffer>) {
    this.#keys = keys
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
    const key = this.#keys.get(pseudonym)
    const name = (key && openedName(key, text)) ?? `sealed:${pseudonym}`
    this.#names.set(text, name)
    return name
  }
}
