import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { configurationError } from '@finchat/secrets-core/provider'
import { syncData } from '../format/fsync.ts'
import { assertNamesFile } from '../record/errors.ts'
import { keysFailed } from '../record/name-keys.ts'
import { rowsIn } from '../record/name-rows.ts'
import { textOf } from '../record/record-text.ts'

/** What was erased. */
export interface ErasedNames {
  /** Names whose key was there, and is overwritten. */
  readonly erased: number
}

/**
 * Erases names that `sealNames` sealed, by overwriting their keys in the file, also while processes
 * use it. From then on nothing opens them in any record, and the trail still verifies. Running
 * processes forget them within a minute; a name that is used again gets another pseudonym. Copies of
 * the file, such as backups, must be erased too. Throws `CONFIGURATION` for invalid arguments, and
 * `AUDIT_FAILED` if the file cannot be read or written.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
 * import { eraseAuditNames } from '@finchat/secrets-audit/folder'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * await initAuditFolder('of-customers')
 * const audit = auditTrail({ sinks: [jsonLinesFile({ folder: 'of-customers' })], sealNames: { file: 'customers.key' } })
 * const secrets = createSecretsManager({ providers: [envProvider()], audit })
 * await secrets.getSecret('FINCHAT_TOKEN', { actor: 'alice@example.com' })
 * await secrets.close()
 * console.log(await eraseAuditNames('customers.key', ['alice@example.com', 'bob@example.com'])) // { erased: 1 }
 */
export async function eraseAuditNames(file: string, names: readonly string[]): Promise<ErasedNames> {
  assertNamesFile('file', file)
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string' && name !== ''))
    throw configurationError('`names` is not a list of one or more names', "pass them as records had them, such as ['alice@example.com']")
  const path = resolve(file)
  try {
    return { erased: await overwriteRows(path, new Set(names.map((name) => textOf(name)))) }
  } catch (error) {
    throw keysFailed(path, error)
  }
}

/** Rows that a dying process left unfinished too: the name may be gone, and its key not. */
async function overwriteRows(path: string, names: ReadonlySet<string | undefined>): Promise<number> {
  const erased = new Set<string>()
  const handle = await open(path, 'r+')
  try {
    const content = await handle.readFile()
    for (const { at, length, row } of rowsIn(content)) {
      if (row !== undefined && !names.has(row.name)) continue
      if (row !== undefined) erased.add(row.name)
      await handle.write(Buffer.alloc(length, ' '), 0, length, at)
    }
    content.fill(0)
    await syncData(handle)
    return erased.size
  } finally {
    await handle.close()
  }
}
