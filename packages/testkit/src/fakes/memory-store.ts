import { randomUUID } from 'node:crypto'
import {
  SecretsError,
  type ListedSecret,
  type NewSecret,
  type NewStagedSecret,
  type SecretDescription,
  type StagedReceipt,
  type StagedSecret,
  type StoredSecret,
  type WriteReceipt,
} from '@finchat/secrets-core'
import { ChangeListeners, copyOutsideHeap, matchesReceipt } from '@finchat/secrets-core/provider'

/** An initial secret: its value, alone or with metadata. */
export type MemorySecret = string | Uint8Array | MemorySecretDetails

/** A secret of `memoryProvider` with more than its value. */
export interface MemorySecretDetails extends Pick<StoredSecret, 'value' | 'shape' | 'expiresAt' | 'exclusive'> {
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** The version has no number, as one made in a store's console; the first write numbers it. */
  readonly unnumbered?: boolean | undefined
}

/** A store of secrets, without the contract's checks. */
export interface MemoryStore {
  readonly seed: (path: string, secret: MemorySecret) => void
  /** Whether any version at this path is a map. */
  readonly keepsFields: (path: string) => boolean
  readonly get: (path: string) => StoredSecret | undefined
  readonly getVersion: (path: string, version: number | 'previous') => StoredSecret | undefined
  readonly describe: (path: string) => SecretDescription | undefined
  readonly list: (prefix: string) => readonly ListedSecret[]
  readonly put: (path: string, secret: NewSecret) => WriteReceipt
  readonly tag: (path: string, tags: Readonly<Record<string, string | null>>) => void
  readonly withdraw: (path: string, purge: boolean) => void
  readonly restore: (path: string) => void
  /** The note is checked, so that equal notes have equal JSON. */
  readonly stage: (path: string, secret: NewStagedSecret) => StagedReceipt
  readonly staged: (path: string) => StagedSecret | undefined
  readonly promote: (path: string, pending: WriteReceipt) => WriteReceipt
  readonly discard: (path: string, pending: WriteReceipt) => void
  /** Calls back with the path of each secret whose current version changed. */
  readonly changes: (listener: (path?: string) => void) => () => void
  readonly clear: () => void
}

interface Version extends StoredSecret {
  readonly revision: string
  /** A withdrawn version can be restored; a purged one keeps only its number. */
  readonly state: 'live' | 'withdrawn' | 'purged'
}

interface Entry {
  /** In the order in which they became current; the last one is. */
  versions: Version[]
  staged: Staged | undefined
  /** What was staged and withdrawn, so that a repeated discard is known. */
  readonly discarded: WriteReceipt[]
  readonly tags: Map<string, string>
  /** The highest number ever used. */
  lastNumber: number
}

interface Staged extends Required<Pick<StagedSecret, 'attempt' | 'stagedAt'>>, Pick<StagedSecret, 'note'> {
  readonly version: Version
  readonly onto: string | undefined
}

export function createMemoryStore(secrets: Readonly<Record<string, MemorySecret>> = {}): MemoryStore {
  const entries = new Map<string, Entry>()
  const listeners = new ChangeListeners()
  const changed = <T>(path: string, result: T): T => {
    listeners.notify(path)
    return result
  }
  const store: MemoryStore = {
    seed: (path, secret) => changed(path, seed(entryAt(entries, path), secret)),
    keepsFields: (path) => entries.get(path)?.versions.some(({ shape }) => shape === 'map') ?? false,
    get: (path) => answer(entries.get(path)?.versions.at(-1)),
    getVersion: (path, version) => answer(versionOf(entries.get(path), version)),
    describe: (path) => describe(entries.get(path)),
    list: (prefix) => list(entries, prefix),
    put: (path, secret) => changed(path, put(entryAt(entries, path), secret)),
    tag: (path, tags) => setTags(assertedLive(existing(entries, path)), tags),
    withdraw: (path, purge) => changed(path, withdraw(existing(entries, path), purge)),
    restore: (path) => changed(path, restore(existing(entries, path))),
    stage: (path, secret) => stage(entryAt(entries, path), secret),
    staged: (path) => stagedAt(entries.get(path)),
    promote: (path, pending) => changed(path, promote(entryAt(entries, path), pending)),
    discard: (path, pending) => discard(entryAt(entries, path), pending),
    changes: (listener) => listeners.add(listener),
    clear: () => entries.clear(),
  }
  for (const [path, secret] of Object.entries(secrets)) store.seed(path, secret)
  return store
}

function entryAt(entries: Map<string, Entry>, path: string): Entry {
  const entry = entries.get(path) ?? { versions: [], staged: undefined, discarded: [], tags: new Map(), lastNumber: 0 }
  entries.set(path, entry)
  return entry
}

/** Throws `NOT_FOUND` if there never was a secret. */
function existing(entries: Map<string, Entry>, path: string): Entry {
  const entry = entries.get(path)
  if (entry !== undefined && entry.versions.length > 0) return entry
  throw notFound()
}

function notFound(): SecretsError {
  return new SecretsError('NOT_FOUND', 'there is no such secret', { remedy: 'write it first' })
}

/** Throws `DELETED` if it was withdrawn, `NOT_FOUND` if it was purged. */
function assertedLive(entry: Entry): Entry {
  if (answer(entry.versions.at(-1)) !== undefined) return entry
  throw notFound()
}

function seed(entry: Entry, secret: MemorySecret): void {
  const { tags, unnumbered, ...rest } = isBare(secret) ? { value: secret } : secret
  const version = unnumbered === true ? undefined : nextNumber(entry)
  makeCurrent(entry, { ...newVersion(rest, version), expiresAt: rest.expiresAt, exclusive: rest.exclusive })
  setTags(entry, tags ?? {})
}

function isBare(secret: MemorySecret): secret is string | Uint8Array {
  return typeof secret === 'string' || secret instanceof Uint8Array
}

function newVersion(secret: Pick<NewSecret, 'value' | 'shape'>, version: number | undefined): Version {
  return { value: copied(secret.value), shape: secret.shape, version, revision: randomUUID(), state: 'live' }
}

function makeCurrent(entry: Entry, version: Version): WriteReceipt {
  const now = Date.now()
  entry.versions.push({ ...version, currentSince: now, currentNotBefore: now })
  entry.lastNumber = Math.max(entry.lastNumber, version.version ?? 0)
  return receiptOf(version)
}

function put(entry: Entry, secret: NewSecret): WriteReceipt {
  assertCurrent(entry, secret.ifCurrent)
  numberTheUnnumbered(entry)
  const version = takeNumber(entry, secret.version)
  setTags(entry, secret.tags ?? {})
  return makeCurrent(entry, newVersion(secret, version))
}

function stage(entry: Entry, secret: NewStagedSecret): StagedReceipt {
  assertCurrent(entry, secret.ifCurrent)
  if (entry.staged !== undefined) return repeated(entry, entry.staged, secret)
  numberTheUnnumbered(entry)
  const number = takeNumber(entry, secret.version)
  entry.lastNumber = number
  const version = newVersion(secret, number)
  entry.staged = { version, onto: entry.versions.at(-1)?.revision, attempt: number, stagedAt: Date.now(), note: secret.note }
  setTags(entry, secret.tags ?? {})
  return { ...receiptOf(version), attempt: number }
}

/** A staged version is never replaced: its value may be set at its target. */
function repeated(entry: Entry, { version, attempt, note }: Staged, secret: NewStagedSecret): StagedReceipt {
  const isSameNumber = secret.version === undefined || secret.version === version.version
  const isSame = isSameNumber && hasValue(version, secret) && JSON.stringify(note) === JSON.stringify(secret.note)
  if (isSame) return { ...receiptOf(version), attempt }
  throw conflict(`version ${version.version} is staged already`, entry)
}

function hasValue({ value, shape }: Version, secret: NewSecret): boolean {
  return typeof value === typeof secret.value && shape === secret.shape && Buffer.from(value).equals(Buffer.from(secret.value))
}

function stagedAt(entry: Entry | undefined): StagedSecret | undefined {
  if (entry?.staged === undefined) return undefined
  const { version, attempt, stagedAt: at, note } = entry.staged
  const secret = answer(version)
  return secret && { ...secret, attempt, stagedAt: at, note }
}

/** After a lost answer it is current already. */
function promote(entry: Entry, pending: WriteReceipt): WriteReceipt {
  const current = entry.versions.at(-1)
  if (current?.state === 'live' && matchesReceipt(pending, current)) return receiptOf(current)
  const { version, onto } = stagedAs(entry, pending)
  if (onto !== current?.revision) throw conflict('another version became current since this one was staged', entry)
  entry.staged = undefined
  return makeCurrent(entry, version)
}

function discard(entry: Entry, pending: WriteReceipt): void {
  if (entry.discarded.some((receipt) => matchesReceipt(pending, receipt))) return
  entry.discarded.push(receiptOf(stagedAs(entry, pending).version))
  entry.staged = undefined
}

function receiptOf({ version, revision }: WriteReceipt): WriteReceipt {
  return { version, revision }
}

function stagedAs(entry: Entry, pending: WriteReceipt): Staged {
  const { staged } = entry
  if (staged !== undefined && matchesReceipt(pending, staged.version)) return staged
  throw conflict('this version is not staged, or not any more', entry)
}

function assertCurrent(entry: Entry, expected: NewSecret['ifCurrent']): void {
  if (expected === undefined) return
  const current = entry.versions.at(-1)
  const live = current?.state === 'live' ? current : undefined
  if (expected === null ? live === undefined : live !== undefined && matchesReceipt(expected, live)) return
  throw conflict('the current version is not the expected one', entry)
}

function numberTheUnnumbered(entry: Entry): void {
  const current = entry.versions.at(-1)
  if (current === undefined || current.version !== undefined) return
  entry.lastNumber = nextNumber(entry)
  entry.versions[entry.versions.length - 1] = { ...current, version: entry.lastNumber }
}

function takeNumber(entry: Entry, asked: number | undefined): number {
  const next = nextNumber(entry)
  if (asked === undefined || asked >= next) return asked ?? next
  throw conflict(`version ${asked} was already used`, entry)
}

function nextNumber(entry: Entry): number {
  return entry.lastNumber + 1
}

function conflict(problem: string, entry: Entry): SecretsError {
  return new SecretsError('VERSION_CONFLICT', problem, { remedy: `the next version is ${nextNumber(entry)}` })
}

function versionOf(entry: Entry | undefined, version: number | 'previous'): Version | undefined {
  if (version === 'previous') return entry?.versions.at(-2)
  return entry?.versions.find((candidate) => candidate.version === version)
}

function describe(entry: Entry | undefined): SecretDescription | undefined {
  const current = answer(entry?.versions.at(-1))
  if (entry === undefined || current === undefined) return undefined
  const { value: _value, shape: _shape, ...metadata } = current
  const versions = entry.versions
    .filter(({ state }) => state === 'live')
    .map(({ version, revision, currentSince }) => ({ version, revision, currentSince }))
  return { ...metadata, tags: Object.fromEntries(entry.tags), versions }
}

function list(entries: Map<string, Entry>, prefix: string): readonly ListedSecret[] {
  return [...entries]
    .filter(([path, entry]) => path.startsWith(prefix) && entry.versions.at(-1)?.state === 'live')
    .map(([path, entry]) => ({ path, tags: Object.fromEntries(entry.tags) }))
}

function setTags(entry: Entry, tags: Readonly<Record<string, string | null>>): void {
  for (const [key, text] of Object.entries(tags)) {
    if (text === null) entry.tags.delete(key)
    else entry.tags.set(key, text)
  }
}

function withdraw(entry: Entry, purge: boolean): void {
  entry.staged = undefined
  if (purge) entry.tags.clear()
  if (purge) for (const { value } of entry.versions) if (typeof value !== 'string') value.fill(0)
  entry.versions = entry.versions.map((version) => {
    if (purge) return { ...version, value: '', state: 'purged' }
    return version.state === 'live' ? { ...version, state: 'withdrawn' } : version
  })
}

function restore(entry: Entry): void {
  if (entry.versions.at(-1)?.state === 'purged') throw new SecretsError('DELETED', 'this secret was purged', { remedy: 'write it anew' })
  entry.versions = entry.versions.map((version) => (version.state === 'withdrawn' ? { ...version, state: 'live' } : version))
}

/** A copy: a reader may overwrite its bytes. */
function answer(version: Version | undefined): StoredSecret | undefined {
  if (version === undefined || version.state === 'purged') return undefined
  const { state, ...secret } = version
  if (state !== 'live') throw new SecretsError('DELETED', 'this secret was withdrawn', { remedy: 'restore it, or write it anew' })
  return { ...secret, value: copied(secret.value) }
}

/** Bytes outside the heap: heap snapshots must not show the store. */
function copied(value: string | Uint8Array): string | Uint8Array {
  return typeof value === 'string' ? value : copyOutsideHeap(value)
}
