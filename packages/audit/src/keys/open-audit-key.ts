import { knownOptions } from '@finchat/secrets-core/provider'
import { type AuditorKeyPair, openedKey, privateParts } from './sealed-key.ts'

/** What `openAuditKey` takes beside the sealed key. */
export interface OpenAuditKeyOptions {
  /** The private key of `auditor`, as PEM or a `KeyObject`; with ML-KEM a list of both. */
  readonly privateKey: AuditorKeyPair
}

/**
 * Opens the key that `initAuditFolder` sealed for an auditor. `sealed` is the text of
 * `auditor-key.json` of the folder or of its copy. Returns the key's text as bytes, to be
 * overwritten once it was used. Throws `CONFIGURATION` for an invalid private key, and `INTEGRITY`
 * if the text was altered or is for another auditor.
 *
 * @example
 * import { generateKeyPairSync } from 'node:crypto'
 * import { readFile } from 'node:fs/promises'
 * import { initAuditFolder, verifyAuditTrail } from '@finchat/secrets-audit'
 * import { openAuditKey } from '@finchat/secrets-audit/folder'
 *
 * const { publicKey, privateKey } = generateKeyPairSync('x25519') // at the auditor's
 * await initAuditFolder('of-a-container', { auditor: publicKey })
 * const key = openAuditKey(await readFile('of-a-container/auditor-key.json', 'utf8'), { privateKey })
 * const { ok } = await verifyAuditTrail('of-a-container', { key })
 * key.fill(0)
 * console.log(ok) // true
 */
export function openAuditKey(sealed: string, options: OpenAuditKeyOptions): Uint8Array {
  const { privateKey } = knownOptions(options, { privateKey: 'any' })
  return openedKey(sealed, privateParts(privateKey))
}
