import type { KeyObject } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, renameSync } from 'node:fs'
import { type FileHandle, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { canonicalLine } from './canonical.ts'
import { keyText, parsedKey } from './key-chain.ts'
import { isCount, parsedLine } from './segment-format.ts'
import { indexFile } from './segment-reader.ts'
import { syncFolder } from './synced.ts'

/** Where the folder's chain of keys stands. */
export interface KeyState {
  readonly folder: string
  /** The next step, which `key` is for. */
  readonly step: number
  readonly key: KeyObject
  /** The steps of segments whose end is not in the index yet. */
  readonly live: readonly number[]
  /** Steps whose opening was not finished, which the index does not say yet. */
  readonly unused: readonly number[]
}

export const keyFile = 'key.json'

/** Whoever reads it while it is replaced may find the old one, which was overwritten, and reads again. */
const mostTries = 3

/**
 * Throws `CONFIGURATION` if the folder has no key that this process may read, without reading it. A disk that fails is left to the first record: whether that
 * matters is for the trail to say.
 */
export function assertReady(folder: string): void {
  try {
    accessSync(join(folder, keyFile), constants.R_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') throw notReady(folder)
    if (code === 'EACCES' || code === 'EPERM' || code === 'ERR_ACCESS_DENIED')
      throw new SecretsError('CONFIGURATION', `this process may not read the folder ${JSON.stringify(folder)} of the audit trail`, {
        remedy: 'let the user that it runs as own the folder and what is in it',
      })
  }
}

/** Throws `CONFIGURATION` if the folder was not made by `initAuditFolder`, or lost its key. */
export async function readKey(folder: string): Promise<KeyState> {
  for (let tries = 0; tries < mostTries; tries++) {
    const state = asState(await readFile(join(folder, keyFile)).catch(asMissing))
    if (state !== undefined) return state
  }
  throw notReady(folder)
}

/** The same, under the folder's lock: nobody replaces it, and nobody else runs meanwhile. */
export function readKeyNow(folder: string): KeyState {
  const path = join(folder, keyFile)
  const state = asState(existsSync(path) ? readFileSync(path) : undefined)
  if (state === undefined) throw notReady(folder)
  return state
}

/** A new key would be of no use in a folder that lost its own: what is there hangs on the first. */
function notReady(folder: string): SecretsError {
  const shown = JSON.stringify(folder)
  if (existsSync(join(folder, indexFile)))
    return new SecretsError('CONFIGURATION', `the folder ${shown} of the audit trail lost its ${keyFile}, or has one that is none`, {
      remedy: 'keep the folder, which can be verified and not written; name a new one, made ready by initAuditFolder',
    })
  return new SecretsError('CONFIGURATION', `the folder ${shown} of the audit trail was never made ready`, {
    remedy: 'call initAuditFolder once, before the service starts, and give the key that it returns to the auditor; or correct `folder`',
  })
}

/** The new state is on disk before the old one is gone, and the old key is overwritten. To be called under the folder's lock. */
export async function replaceKey(folder: string, state: KeyState): Promise<void> {
  const old = await prepareKey(folder, state)
  try {
    putKey(folder)
    await eraseKey(folder, old)
  } finally {
    await old?.close()
  }
}

const nextKeyFile = `${keyFile}.new`

/** Puts the new state beside the old one, on disk, and returns a handle of the old one. */
export async function prepareKey(folder: string, { key, ...state }: KeyState): Promise<FileHandle | undefined> {
  const fresh = await open(join(folder, nextKeyFile), 'w', 0o600)
  const old = open(join(folder, keyFile), 'r+').catch(() => undefined)
  try {
    await fresh.writeFile(canonicalLine({ ...state, key: keyText(key), v: 1 }))
    await fresh.sync()
    return await old
  } catch (error) {
    await (await old)?.close()
    throw error
  } finally {
    void fresh.close().catch(() => {}) // the folder is locked: nobody waits for this
  }
}

/** What was prepared is not needed: it must not be left as a copy of a key. */
export async function dropPreparedKey(folder: string): Promise<void> {
  const path = join(folder, nextKeyFile)
  const prepared = await open(path, 'r+').catch(() => undefined)
  if (prepared !== undefined) await overwrite(prepared).catch(() => {})
  await prepared?.close()
  await unlink(path).catch(() => {})
}

/** Puts what was prepared in the place of the old state, of which only the handle is left then. */
export function putKey(folder: string): void {
  renameSync(join(folder, nextKeyFile), join(folder, keyFile))
}

/**
 * Has the new state in its place for sure, and then overwrites the old one; the handle is closed by
 * who called.
 */
export async function eraseKey(folder: string, old: FileHandle | undefined): Promise<void> {
  await syncFolder(folder)
  if (old !== undefined) await overwrite(old)
}

async function overwrite(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  await file.write(Buffer.alloc(size), 0, size, 0)
  await file.datasync()
}

function asMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

function asState(content: Buffer | undefined): KeyState | undefined {
  const { folder, step, key, live, unused, v } = (content && parsedLine(content)) ?? {}
  if (v !== 1 || typeof folder !== 'string' || !isCount(step) || !areCounts(live) || !areCounts(unused)) return undefined
  try {
    return { folder, step, key: parsedKey(key), live, unused }
  } catch {
    return undefined
  }
}

function areCounts(values: unknown): values is number[] {
  return Array.isArray(values) && values.every(isCount)
}
