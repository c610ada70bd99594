import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type * as folders from '@finchat/secrets-audit/folder'
import type { ReportedVerification } from '@finchat/secrets-audit/report'
import { fileFailure, loadOnUse, readCredential } from '@finchat/secrets-core/provider'
import { auditorKeyVariable } from '../config/variables.ts'
import { UsageError } from '../terminal/failure.ts'
import { readSecretInput } from '../terminal/secret-input.ts'
import type { Terminal } from '../terminal/terminal.ts'

export const ownPackage = { what: 'the audit trail', name: '@finchat/secrets-audit' }

async function loadFolders(): Promise<typeof folders> {
  return loadOnUse(ownPackage, () => import('@finchat/secrets-audit/folder'), 'chooseAuditKey')
}

export interface KeyFlags {
  readonly keyFile?: string
  readonly auditorKey?: string
}

/** Gives the key of a folder. */
export type KeyOf = (folder: string) => Promise<string | Uint8Array>

/** `audit init` ends its file with the key, and `cat` puts the next one on the same line. */
const keyBegin = 'audit-key'

/** Reads keys once, for every folder. */
export async function auditorsKeys(flags: KeyFlags, terminal: Terminal): Promise<KeyOf> {
  if (flags.auditorKey !== undefined) return sealedKeys(flags.auditorKey, flags, terminal)
  const text = await keyText(flags, terminal)
  // No regular expression here, nor in pemsIn: RegExp.input would keep a key.
  const keys = text.replaceAll('\r', '').replaceAll(keyBegin, `\n${keyBegin}`).split('\n').filter(Boolean)
  const [only = ''] = keys
  return async (folder) => (keys.length < 2 ? only : ownKey(folder, keys))
}

/** Whether the key is of another folder, by the ids in the index and the segments: an edited one has its own id there. */
export async function isStrangeKey({ problem }: ReportedVerification, folder: string, key: string | Uint8Array): Promise<boolean> {
  if (problem?.what !== 'wrong key') return false
  const { chooseAuditKey } = await loadFolders()
  return (await chooseAuditKey(folder, [key])) === undefined
}

export function strangeKey(): UsageError {
  return new UsageError(
    "the key is another folder's, so nothing was verified",
    'give the key that `finchat-secrets audit init` made for this folder; if it is this one, the folder was replaced',
  )
}

async function ownKey(folder: string, keys: readonly string[]): Promise<string> {
  const { chooseAuditKey } = await loadFolders()
  const key = await chooseAuditKey(folder, keys)
  if (key === undefined) throw new UsageError('none of the keys is that of this folder', 'add its key to the file, a line for each')
  return key
}

/** From a file, else from a variable, else from a pipe or a hidden prompt; never from an argument. */
async function keyText({ keyFile }: KeyFlags, terminal: Terminal): Promise<string> {
  if (keyFile !== undefined) return textIn(resolve(terminal.cwd(), keyFile), "the auditor's key")
  const variable = terminal.env[auditorKeyVariable]
  if (variable) return variable
  const given = await readSecretInput(terminal, { question: "The auditor's key (hidden)", exact: true }).catch(asNoKey)
  return typeof given === 'string' ? given : ''
}

function asNoKey(error: unknown): never {
  if (!(error instanceof UsageError)) throw error
  throw new UsageError(
    "there is no key of the auditor's",
    'give it by --key-file FILE, by FINCHAT_AUDITOR_KEY or by a pipe, or type it; `audit query` and `audit report` read without one, and prove nothing, by --unverified',
  )
}

/** Opens what `initAuditFolder` sealed for the auditor's private key. */
async function sealedKeys(file: string, { keyFile }: KeyFlags, { cwd }: Terminal): Promise<KeyOf> {
  if (keyFile !== undefined) throw new UsageError('--key-file and --auditor-key are both given', 'leave out one of them')
  const privateKey = pemsIn(await textIn(resolve(cwd(), file), "the auditor's private key"))
  const { openAuditKey } = await loadFolders()
  return async (folder) => openAuditKey(await sealedIn(folder), { privateKey })
}

const pemBegin = '-----BEGIN '

/** With ML-KEM there are two in one file. */
export function pemsIn(text: string): folders.AuditorKeyPair {
  const [x25519 = text, mlKem] = text
    .split(pemBegin)
    .slice(1)
    .map((rest) => pemBegin + rest)
  return mlKem === undefined ? x25519 : [x25519, mlKem]
}

/** In the folder of a trail whose key was sealed. */
export const sealedKeyFile = 'auditor-key.json'

async function sealedIn(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, sealedKeyFile), 'utf8')
  } catch (error) {
    if (fileFailure(error) !== 'missing') throw error
    throw new UsageError('no key is sealed in this folder', 'give the key itself by --key-file, or copy auditor-key.json with the folder')
  }
}

export async function textIn(path: string, what: string): Promise<string> {
  return readCredential({ file: path }, what, new AbortController().signal)
}
