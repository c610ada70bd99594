import { closeSync, fstatSync, readFileSync, readSync, statSync, writeSync } from 'node:fs'
import { fileFailure, loadCrypto, SecretsError } from '@finchat/secrets-core/provider'
import { openRegularAtOnce, openRegularToWrite, openToAppendAtOnce } from '../disk/open-regular.ts'
import { keysOfAnother, nameRowText, rowsIn, trailRowText } from './name-rows.ts'
import { nameKeyBytes, sealedName } from './sealed-name.ts'

/** A running process forgets a name so soon after it was erased. */
const forgettingMs = 60_000

/**
 * The keys under which names are sealed, one for each name, in a file that processes share. A row
 * that was overwritten leaves its name sealed for ever.
 */
export class NameKeys {
  readonly #path: string
  /** By name: what stands in records. */
  #sealed = new Map<string, string>()
  /** The part of the file that was read, and its time. */
  #read = { bytes: 0, changedAt: 0 }
  #lookedAt = -Infinity
  /** Of a row that was added or read: another process that wrote it may not have synced it yet. */
  #isUnsynced = false
  #syncing: Promise<void> | undefined

  /** The trails of this process, and those that the file is of. */
  readonly #ownTrails: () => readonly string[]
  readonly #trails = new Set<string>()

  /** A file that is bound to none is bound to these trails with its next key. */
  constructor(path: string, ownTrails: () => readonly string[] = () => []) {
    this.#path = path
    this.#ownTrails = ownTrails
  }

  /** Throws `CONFIGURATION` for the keys of another trail. A file that cannot be read is left to the first record. */
  assertOwn(): void {
    try {
      this.#forget()
    } catch (error) {
      this.#lookedAt = -Infinity
      if (SecretsError.isInstance(error) && error.code === 'CONFIGURATION') throw error
    }
  }

  /** Resolves once the keys of all names so far are on disk; `undefined` if they are. */
  get synced(): Promise<void> | undefined {
    if (!this.#isUnsynced) return this.#syncing
    this.#syncing ??= this.#sync().finally(() => (this.#syncing = undefined))
    this.#syncing.catch(() => {}) // each record that waits for it rejects
    return this.#syncing
  }

  /** Throws `AUDIT_FAILED` if a new name's key cannot be written. */
  seal(name: string): string {
    try {
      this.#forget()
      return this.#sealed.get(name) ?? this.#added(name)
    } catch (error) {
      throw keysFailed(this.#path, error)
    }
  }

  /** Reads the file anew if it was changed by others. */
  #forget(): void {
    const now = performance.now()
    if (now - this.#lookedAt < forgettingMs) return
    this.#lookedAt = now
    const { size: bytes = 0, mtimeMs: changedAt = 0 } = statSync(this.#path, { throwIfNoEntry: false }) ?? {}
    if (changedAt === this.#read.changedAt && bytes === this.#read.bytes) return
    this.#begin()
    this.#read.changedAt = changedAt
    this.#take(changedAt === 0 ? Buffer.alloc(0) : contentOf(this.#path))
  }

  /** What was read before counts no more. */
  #begin(): void {
    this.#sealed = new Map()
    this.#trails.clear()
    this.#read.bytes = 0
  }

  /** Of two processes that add the same name, the first one's key counts. */
  #added(name: string): string {
    const key = loadCrypto().randomBytes(nameKeyBytes)
    const trails = this.#trails.size > 0 ? [] : this.#ownTrails()
    const row = Buffer.from([...trails.map(trailRowText), nameRowText({ name, key })].join(''))
    const file = openToAppendAtOnce(this.#path)
    try {
      if (writeSync(file, row) < row.length) throw Object.assign(new Error(), { code: 'ENOSPC' }) // the next row begins a line
      this.#takeNew(file, row.length)
    } finally {
      closeSync(file)
      for (const bytes of [key, row]) bytes.fill(0)
    }
    const sealed = this.#sealed.get(name)
    if (sealed === undefined) throw new SecretsError('INTERNAL', 'the key of a name is not where it was written')
    return sealed
  }

  /** What was added since the file was read last; all of it, if names were erased or the file is another one. */
  #takeNew(file: number, ownBytes: number): void {
    const { size, mtimeMs } = fstatSync(file)
    const added = size < this.#read.bytes + ownBytes ? undefined : partOf(file, this.#read.bytes, size)
    if (added === undefined || (this.#read.bytes > 0 && [...rowsIn(added)].some(({ isNotice }) => isNotice))) {
      this.#begin()
      added?.fill(0)
      this.#take(partOf(file, 0, size))
    } else this.#take(added)
    this.#read.changedAt = mtimeMs
  }

  #take(content: Buffer): void {
    this.#isUnsynced ||= content.length > 0
    for (const { row, trail } of rowsIn(content)) {
      if (trail !== undefined) this.#trails.add(trail)
      if (row !== undefined && !this.#sealed.has(row.name)) this.#sealed.set(row.name, sealedName(row.key, row.name))
      row?.key.fill(0)
    }
    this.#read.bytes += content.length
    content.fill(0)
    if (this.#trails.size > 0 && this.#ownTrails().some((own) => !this.#trails.has(own))) throw this.#ofAnother()
  }

  /** Nothing of it is kept, and it is read again with the next name. */
  #ofAnother(): SecretsError {
    this.#begin()
    this.#read.changedAt = 0
    this.#lookedAt = -Infinity
    return keysOfAnother(this.#path)
  }

  async #sync(): Promise<void> {
    try {
      while (this.#isUnsynced) {
        this.#isUnsynced = false
        const file = await openRegularToWrite(this.#path)
        try {
          await file.datasync()
        } finally {
          await file.close()
        }
      }
    } catch (error) {
      this.#isUnsynced = true
      throw keysFailed(this.#path, error)
    }
  }
}

function contentOf(path: string): Buffer {
  const file = openRegularAtOnce(path)
  try {
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

function partOf(file: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from)
  readSync(file, bytes, 0, bytes.length, from)
  return bytes
}

/** Never quotes the file system's own message. */
export function keysFailed(path: string, error: unknown): SecretsError {
  if (SecretsError.isInstance(error)) return error
  const problem = `the keys of names cannot be read or written: ${JSON.stringify(path)} (${fileFailure(error) ?? 'for an unknown reason'})`
  return new SecretsError('AUDIT_FAILED', problem, {
    remedy: 'let this process read and write the file, in a folder that is there',
  })
}
