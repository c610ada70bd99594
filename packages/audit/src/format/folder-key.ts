import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { type FileHandle, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileFailure, ownMemory, SecretsError, warnOperator } from '@finchat/secrets-core/provider'
import { canonicalLine } from '../record/canonical.ts'
import { shownPath } from '../disk/folder-errors.ts'
import { syncData, syncFolder, syncHandle } from '../disk/fsync.ts'
import type { IndexEntry } from './index-line.ts'
import { readWithoutWaiting } from '../disk/open-regular.ts'
import { isSuccessorName } from './index-marks.ts'
import { type ChainKey, parsedKey } from '../keys/key-chain.ts'
import { keyTextBytes } from '../keys/key-text.ts'
import { isCount, parsedLine } from './segment-format.ts'
import { indexFile } from './segment-reader.ts'

export const keyFile = 'key.json'

/** Every user of the host may remove files then. A group may be meant to, as on a volume of Kubernetes. */
const writableByAll = 0o002

function openToAll(folder: string): string {
  return `every user of this host may write to the folder ${shownPath(folder)} of the audit trail: take that right away by chmod o-w`
}

/** Replacements take turns at the folder's lock, so a reader outruns them long before. */
const readingPatienceMs = 5_000

/**
 * Throws `CONFIGURATION` if this process may not read the folder's key, without reading it. Warns if
 * every user may write to the folder. A failing disk is left to the first record.
 */
export function assertReady(folder: string): void {
  try {
    accessSync(join(folder, keyFile), constants.R_OK)
    warnIfOpenToAll(folder)
  } catch (error) {
    const failure = fileFailure(error)
    if (failure === 'missing' || failure === 'not-a-folder') throw notReady(folder)
    if (failure === 'denied')
      throw new SecretsError('CONFIGURATION', `this process may not read the folder ${JSON.stringify(folder)} of the audit trail`, {
        remedy: 'make its user the owner of the folder and of its files',
      })
  }
}

/** Every user could remove what no checkpoint covers. */
export function warnIfOpenToAll(folder: string): void {
  if (process.platform === 'win32') return // where libuv gives each folder the mode 666
  if ((statSync(folder).mode & writableByAll) !== 0) warnOperator(openToAll(folder), 'FINCHAT_SECRETS_AUDIT')
}

/**
 * The caller overwrites the key. Throws `CONFIGURATION` for a folder without a key, `AUDIT_FAILED`
 * if the key is replaced during each try. A file that was replaced meanwhile may be overwritten.
 */
export async function readKey(folder: string): Promise<KeyState> {
  const end = performance.now() + readingPatienceMs
  for (;;) {
    const { content, isInPlace } = await contentOf(join(folder, keyFile))
    const state = asState(content, folder)
    if (state !== undefined) return state
    if (isInPlace) throw notReady(folder)
    if (performance.now() >= end) throw replacedAgain(folder)
  }
}

/** As `readKey`, under the folder's lock and without returning to the event loop. */
export function readKeyNow(folder: string): KeyState {
  const path = join(folder, keyFile)
  const state = asState(existsSync(path) ? contentNow(path) : undefined, folder)
  if (state === undefined) throw notReady(folder)
  return state
}

interface Content {
  /** In memory of its own, which `asState` overwrites. */
  readonly content: Buffer | undefined
  /** Whether the path still names the file that was read, or none. */
  readonly isInPlace: boolean
}

/** Looks at the path while the file is open: a removed file's inode number may be used again. */
async function contentOf(path: string): Promise<Content> {
  const file = await open(path, readWithoutWaiting).catch(asMissing)
  if (file === undefined) return { content: undefined, isInPlace: true }
  try {
    const { size, ino } = await file.stat()
    const content = ownMemory(size)
    const { bytesRead } = await file.read(content, 0, size, 0)
    return { content: content.subarray(0, bytesRead), isInPlace: (await stat(path).catch(() => undefined))?.ino === ino }
  } finally {
    await file.close()
  }
}

function contentNow(path: string): Buffer {
  const file = openSync(path, readWithoutWaiting)
  try {
    const content = ownMemory(fstatSync(file).size)
    return content.subarray(0, readSync(file, content, 0, content.length, 0))
  } finally {
    closeSync(file)
  }
}

/** A folder that lost its key cannot use a new one: its chain begins with the first. */
function notReady(folder: string): SecretsError {
  const shown = JSON.stringify(folder)
  if (existsSync(join(folder, indexFile)))
    return new SecretsError('CONFIGURATION', `the folder ${shown} of the audit trail lost its ${keyFile}, or has a damaged one`, {
      remedy: 'keep the folder, which can be verified and not written; name a new one, made ready by initAuditFolder',
    })
  return new SecretsError('CONFIGURATION', `the folder ${shown} of the audit trail was never made ready`, {
    remedy: 'call initAuditFolder once, before the service starts, and give the key that it returns to the auditor; or correct `folder`',
  })
}

function replacedAgain(folder: string): SecretsError {
  return new SecretsError('AUDIT_FAILED', `the key of the audit trail's folder ${shownPath(folder)} was replaced whenever it was read`, {
    remedy: 'if very many processes start at once, start them one after the other',
  })
}

interface Replacement {
  /** Runs while the new state is written beside the old one, which stays if this rejects. */
  readonly beside?: (() => Promise<void> | undefined) | undefined
  /** Called once the new state is in place, before the old one is overwritten. */
  readonly inPlace?: (() => void) | undefined
}

/**
 * Puts the new state on disk, then overwrites the old key. To be called under the folder's lock;
 * the caller overwrites the key of `state`.
 */
export async function replaceKey(folder: string, state: KeyState, { beside, inPlace }: Replacement = {}): Promise<void> {
  const [ran, prepared] = await Promise.allSettled([beside?.(), prepareKey(folder, state)])
  const old = prepared.status === 'fulfilled' ? prepared.value : undefined
  try {
    if (ran.status === 'rejected' || prepared.status === 'rejected') {
      await dropPreparedKey(folder)
      throw ran.status === 'rejected' ? ran.reason : prepared.status === 'rejected' ? prepared.reason : undefined
    }
    renameSync(join(folder, nextKeyFile), join(folder, keyFile))
    inPlace?.()
    await syncFolder(folder)
    if (old !== undefined) await overwrite(old)
  } finally {
    await old?.close()
  }
}

/** The state after an epoch: the index has all ends that its entry records. */
export function nextKeyState(
  { folder, step, key, live, unused, next }: KeyState,
  { opens, ended, successor }: Pick<IndexEntry, 'opens' | 'ended' | 'successor'>,
): KeyState {
  const over = new Set(ended.map((segment) => segment.step))
  const left = live.filter((one) => !over.has(one))
  return {
    folder,
    step: step + 1,
    key: key.derived('next'),
    live: opens ? [...left, step] : left,
    unused: unused.filter((one) => !over.has(one)),
    next: successor?.name ?? next,
  }
}

const nextKeyFile = `${keyFile}.new`

/** Returns a handle of the old state. Overwrites in place what a dead process left. */
async function prepareKey(folder: string, state: KeyState): Promise<FileHandle | undefined> {
  const fresh = await open(join(folder, nextKeyFile), constants.O_RDWR | constants.O_CREAT, 0o600)
  const old = open(join(folder, keyFile), 'r+').catch(() => undefined)
  const text = stateText(state)
  try {
    await writeWhole(fresh, text)
    await syncHandle(fresh)
    return await old
  } catch (error) {
    await (await old)?.close()
    throw error
  } finally {
    text.fill(0)
    void fresh.close().catch(() => {}) // not awaited: the folder is locked meanwhile
  }
}

async function writeWhole(file: FileHandle, text: Buffer): Promise<void> {
  const { size } = fstatSync(file.fd) // the folder is locked meanwhile
  for (let at = 0; at < text.length;) at += (await file.write(text, at, text.length - at, at)).bytesWritten
  if (size > text.length) await file.truncate(text.length)
}

/** It must not remain as a copy of a key. */
async function dropPreparedKey(folder: string): Promise<void> {
  const path = join(folder, nextKeyFile)
  const prepared = await open(path, 'r+').catch(() => undefined)
  if (prepared !== undefined) await overwrite(prepared).catch(() => {})
  await prepared?.close()
  await unlink(path).catch(() => {})
}

async function overwrite(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  await file.write(Buffer.alloc(size), 0, size, 0)
  await syncData(file)
}

function asMissing(error: unknown): undefined {
  if (fileFailure(error) === 'missing') return undefined
  throw error
}

/** Overwrites what was read. */
function asState(content: Buffer | undefined, folder: string): KeyState | undefined {
  try {
    const state = content && parsedState(content)
    if (state === 'older') throw olderFormat(folder)
    return state
  } finally {
    content?.fill(0)
  }
}

export function olderFormat(folder: string): SecretsError {
  return new SecretsError(
    'CONFIGURATION',
    `the folder ${shownPath(folder)} of the audit trail was made by an older version of this package`,
    {
      remedy: 'keep it, and verify it with that version; name a new folder, made ready by initAuditFolder',
    },
  )
}

/** Where the folder's chain of keys stands. */
export interface KeyState {
  readonly folder: string
  /** The next epoch, which `key` is for. */
  readonly step: number
  readonly key: ChainKey
  /** Epochs whose segments have no end in the index yet. */
  readonly live: readonly number[]
  /** Epochs whose segments were never used, which the index does not say yet. */
  readonly unused: readonly number[]
  /** The name of the folder in which the trail goes on: no segment is opened in this one. */
  readonly next?: string | undefined
}

const version = 2
/** Unambiguous in canonical JSON, which escapes quotes in text. */
const marker = Buffer.from('"key":"')
const blank = '-'

/** One line of canonical JSON, as bytes for the caller to overwrite. */
export function stateText({ key, ...state }: KeyState): Buffer {
  const line = canonicalLine({ ...state, key: blank.repeat(keyTextBytes), v: version })
  const text = ownMemory(Buffer.byteLength(line))
  text.write(line)
  const keyText = key.text()
  text.set(keyText, text.indexOf(marker) + marker.length)
  keyText.fill(0)
  return text
}

/**
 * Takes the key out before the rest becomes a string. `undefined` for anything else; `older` for
 * the format of an earlier version.
 */
export function parsedState(text: Buffer): KeyState | 'older' | undefined {
  const at = text.indexOf(marker) + marker.length
  if (at < marker.length) return undefined
  const place = text.subarray(at, at + keyTextBytes)
  const key = keyIn(place)
  place.fill(blank)
  const { folder, step, live, unused, next, v } = parsedLine(text) ?? {}
  const isState = key !== undefined && typeof folder === 'string' && isCount(step) && areCounts(live) && areCounts(unused)
  if (isState && v === version && (next === undefined || isName(next))) return { folder, step, key, live, unused, next }
  key?.wipe()
  return isState && v === 1 ? 'older' : undefined
}

function keyIn(text: Buffer): ChainKey | undefined {
  try {
    return parsedKey(text)
  } catch {
    return undefined
  }
}

function isName(next: unknown): next is string {
  return typeof next === 'string' && isSuccessorName(next)
}

function areCounts(values: unknown): values is number[] {
  return Array.isArray(values) && values.every(isCount)
}
