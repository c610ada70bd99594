import { mkdir, open, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileFailure, knownOptions, loadOnUse, SecretsError } from '@finchat/secrets-core/provider'
import { folderError } from '../disk/folder-errors.ts'
import { syncHandle } from '../disk/fsync.ts'
import { createIndex, entryOrigin, indexLine } from '../format/index-line.ts'
import { type ChainKey, folderIdOf, randomKey } from '../keys/key-chain.ts'
import { keyFile, replaceKey, warnIfOpenToAll } from '../format/folder-key.ts'
import { auditorKeyFile } from '../format/segment-files.ts'
import { indexFile } from '../format/segment-reader.ts'
import type * as Sealing from '../keys/sealed-key.ts'
import { assertFolder } from '../record/errors.ts'

/** For the auditor only. */
export interface AuditorsKey<Key extends string | Uint8Array = string> {
  /** The folder's id, in every segment; derived from the key. */
  readonly folder: string
  /**
   * `audit-key:…`. Verifies, and can forge, all that is ever written to the folder. The host does
   * not keep it.
   */
  readonly key: Key
}

/** The folder whose key only the auditor can open. */
export type SealedForAuditor = Omit<AuditorsKey, 'key'>

/** What `initAuditFolder` takes beside the folder. */
export interface InitAuditOptions {
  /**
   * The auditor's public X25519 key, or a list of that and an ML-KEM-768 key. Then the folder's key is
   * sealed for it in `auditor-key.json`, and not returned: a container needs no person.
   * `openAuditKey` opens it.
   */
  readonly auditor?: Sealing.AuditorKeyPair | undefined
  /**
   * `bytes` returns the key's text as bytes that the caller can overwrite; a string stays in memory
   * until it is reused. Default: `text`.
   */
  readonly keyAs?: 'text' | 'bytes' | undefined
}

/**
 * Makes a folder ready for `jsonLinesFile` and returns the first key of its chain. Store it where
 * only the auditor can read it, not on this host. The folder keeps the next key, which verifies
 * nothing that was written before it. Throws `CONFIGURATION` for a folder that is ready or not
 * empty, and `AUDIT_FAILED` if it cannot be written.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 *
 * const { key } = await initAuditFolder('audit', { keyAs: 'bytes' })
 * console.log(key.length) // 53
 * key.fill(0) // once it is stored
 */
export function initAuditFolder(
  folder: string,
  options: InitAuditOptions & { readonly keyAs: 'bytes'; readonly auditor?: undefined },
): Promise<AuditorsKey<Uint8Array>>
/**
 * Makes a folder ready, and seals its key for the auditor, whose public key this is. Returns the
 * folder's id alone. Throws `CONFIGURATION` for another kind of key, too.
 *
 * @example
 * import { generateKeyPairSync } from 'node:crypto'
 * import { initAuditFolder } from '@finchat/secrets-audit'
 *
 * const { publicKey } = generateKeyPairSync('x25519') // in production: the auditor's, as PEM
 * const { folder } = await initAuditFolder('audit-in-a-container', { auditor: publicKey })
 * console.log(folder.length) // 36
 */
export function initAuditFolder(
  folder: string,
  options: InitAuditOptions & { readonly auditor: Sealing.AuditorKeyPair },
): Promise<SealedForAuditor>
/**
 * Makes a folder ready, as the form with `keyAs: 'bytes'` does, and returns the key as text. A text
 * cannot be overwritten.
 *
 * @example
 * import { initAuditFolder } from '@finchat/secrets-audit'
 *
 * const { key } = await initAuditFolder('audit-with-text-key')
 * console.log(key.startsWith('audit-key:')) // true
 */
export function initAuditFolder(
  folder: string,
  options?: InitAuditOptions & { readonly keyAs?: 'text' | undefined; readonly auditor?: undefined },
): Promise<AuditorsKey>
export async function initAuditFolder(
  folder: string,
  options: InitAuditOptions = {},
): Promise<SealedForAuditor | AuditorsKey<string | Uint8Array>> {
  const { keyAs = 'text', auditor } = knownOptions(options, { keyAs: 'string', auditor: 'any' })
  const sealing = auditor === undefined ? undefined : await loadOnUse(ownPart, () => import('../keys/sealed-key.ts'), 'keySealer')
  const seal = sealing?.keySealer(auditor)
  if (keyAs !== 'text' && keyAs !== 'bytes')
    throw new SecretsError('CONFIGURATION', "`keyAs` is neither 'text' nor 'bytes'", { remedy: 'pass one of the two' })
  assertFolder(folder)
  const path = resolve(folder)
  const first = randomKey()
  try {
    await assertEmpty(path)
    const id = await makeReady(path, first, seal)
    if (seal !== undefined) return { folder: id }
    return { folder: id, key: keyAs === 'bytes' ? first.text() : textOf(first) }
  } catch (error) {
    throw folderError(error, path)
  } finally {
    first.wipe()
  }
}

const ownPart = { what: 'the sealing of a key', name: '@finchat/secrets-audit' }

/**
 * By the process that made the index, before the folder is ready: without this file it could never be
 * verified.
 */
async function writeSealed(path: string, first: ChainKey, seal: Sealing.SealKey): Promise<void> {
  const text = first.text()
  try {
    const file = await open(join(path, auditorKeyFile), 'wx', 0o600)
    try {
      await file.writeFile(seal(folderIdOf(first), text))
      await syncHandle(file)
    } finally {
      await file.close()
    }
  } finally {
    text.fill(0)
  }
}

function textOf(key: ChainKey): string {
  const text = key.text()
  try {
    return text.toString('latin1')
  } finally {
    text.fill(0)
  }
}

async function assertEmpty(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const names = await readdir(path)
  if (names.length > 0) throw notEmpty(path, names.includes(keyFile))
  warnIfOpenToAll(path)
}

async function makeReady(path: string, first: ChainKey, seal: Sealing.SealKey | undefined): Promise<string> {
  const id = folderIdOf(first)
  const next = first.derived('next')
  try {
    const line = indexLine({ ...entryOrigin(id, 0), before: '', opens: false, ended: [] }, first)
    await createIndex(join(path, indexFile), line).catch(asNotEmpty(path))
    if (seal !== undefined) await writeSealed(path, first, seal)
    await replaceKey(path, { folder: id, step: 1, key: next, live: [], unused: [] })
    return id
  } finally {
    next.wipe()
  }
}

/** With two first keys, one would verify nothing. */
const asNotEmpty =
  (path: string) =>
  (error: unknown): never => {
    throw fileFailure(error) === 'exists' ? notEmpty(path, true) : error
  }

function notEmpty(path: string, isReady: boolean): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    `the folder ${JSON.stringify(path)} of the audit trail ${isReady ? 'already has a key' : 'is not empty'}`,
    {
      remedy: isReady
        ? 'use it as it is, since a second key would verify nothing; if its key is lost, name a new folder, and keep that key'
        : 'name a new folder',
    },
  )
}
