import { appendFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { configurationError, knownOptions, SecretsError } from '@finchat/secrets-core/provider'
import { currentFolder } from '../file/current-folder.ts'
import { advanceEpoch } from '../file/next-epoch.ts'
import { assertFirst } from '../file/rotate-audit-folder.ts'
import { folderError } from '../disk/folder-errors.ts'
import { openRegularToWrite, regularContent } from '../disk/open-regular.ts'
import { syncData } from '../disk/fsync.ts'
import { trailIdOf } from '../format/first-entry.ts'
import type { ErasureMark } from '../format/index-marks.ts'
import { indexFile, linesOf } from '../format/segment-reader.ts'
import { successorsOf } from '../format/successors.ts'
import { assertFolder } from '../record/errors.ts'
import { keysFailed } from '../record/name-keys.ts'
import { assertNamesFile, erasedRowText, keysOfAnother, noticeText, type PlacedRow, rowsIn, trailsIn } from '../record/name-rows.ts'
import { textOf } from '../record/record-text.ts'
import { nameIdOf } from '../record/sealed-name.ts'
import { assertReason } from './prune-audit-folder.ts'
import { HoldWatch } from './pruned-folders.ts'
import { whileDeciding, whileRemoving } from './retention-locks.ts'
import { assertNotHeld } from './under-hold.ts'

/** What `eraseAuditNames` takes beside the folder. */
export interface EraseAuditNamesOptions {
  /** The path of `sealNames.file`. */
  readonly file: string
  /** As records had them, such as `alice@example.com`; at most 500. */
  readonly names: readonly string[]
  /** For the auditor: `request of 2026-11-02`. Without the name; at most 1,000 characters. */
  readonly reason: string
}

/** What was erased. */
export interface ErasedNames {
  /** Names whose key was there, and is overwritten: all, unless an interrupted erasure was finished. */
  readonly erased: number
  /** What records show in the place of each. */
  readonly pseudonyms: readonly string[]
}

/** Bounds a line of the index. */
const mostNames = 500

/**
 * Erases names that `sealNames` sealed, by overwriting their keys in the file, also while processes
 * use it. From then on nothing opens them in any record, and the trail still verifies. Its index says
 * when and why, with the pseudonyms. Running processes forget the names within a minute; one that is
 * used again gets another pseudonym. Copies of the file, such as backups, must be erased too. If it is
 * interrupted, call it again with the same names.
 *
 * Throws `NOT_FOUND`, and erases nothing, if the file has no key of a name: it is misspelt, was never
 * sealed, or was erased before. Throws `CONFIGURATION` for invalid arguments, under a legal hold, and
 * for the keys of another trail. Throws `AUDIT_FAILED` if the folder or the file cannot be read or written, and `INTEGRITY` if the index of
 * the folder is not as it was left.
 *
 * @example
 * import { auditTrail, initAuditFolder, jsonLinesFile } from '@finchat/secrets-audit'
 * import { eraseAuditNames } from '@finchat/secrets-audit/folder'
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 *
 * const file = 'customers.key'
 * await initAuditFolder('of-customers')
 * const audit = auditTrail({ sinks: [jsonLinesFile({ folder: 'of-customers' })], sealNames: { file } })
 * const secrets = createSecretsManager({ providers: [envProvider()], audit })
 * await secrets.getSecret('FINCHAT_TOKEN', { actor: 'alice@example.com' })
 * await secrets.close()
 * const options = { file, names: ['alice@example.com'], reason: 'request of 2026-11-02' }
 * const { erased } = await eraseAuditNames('of-customers', options)
 * console.log(erased) // 1
 */
export async function eraseAuditNames(folder: string, options: EraseAuditNamesOptions): Promise<ErasedNames> {
  const { file, names, reason } = knownOptions(options, { file: 'string', names: 'any', reason: 'any' })
  assertFolder(folder)
  assertNamesFile('file', file)
  assertReason(reason)
  const asked = checkedNames(names, reason)
  const [root, path] = [resolve(folder), resolve(file)]
  await inTrail(root, async () => assertErasable(root))
  const found = await inFile(path, async () => pseudonymsOf(path, asked, trailIdOf(root)))
  await inFile(path, async () => assertKnown(asked, found, { path, root }))
  const pseudonyms = [...found.values()]
  await inTrail(root, async () =>
    whileRemoving(root, async () => {
      await markErased(root, { pseudonyms, reason })
      await inFile(path, async () => overwriteRows(path, found))
    }),
  )
  return { erased: pseudonyms.length, pseudonyms }
}

function checkedNames(names: unknown, reason: string): ReadonlySet<string> {
  const areNames = Array.isArray(names) && names.length > 0 && names.length <= mostNames
  if (!areNames || !names.every((name) => typeof name === 'string' && name !== ''))
    throw configurationError(
      `\`names\` is not a list of 1 to ${mostNames} names`,
      "pass them as records had them, such as ['alice@example.com']",
    )
  const asked = new Set(names.map((name) => textOf(name) ?? ''))
  if ([...asked].some((name) => mentions(reason, name)))
    throw configurationError('`reason` has one of the names in it', 'name the request without the person: the reason is never erased')
  return asked
}

/** As a word, not within another. */
function mentions(text: string, name: string): boolean {
  const parts = text.toLowerCase().split(name.toLowerCase())
  return parts.some((before, at) => at < parts.length - 1 && !/[\p{L}\p{N}]$/u.test(before) && !/^[\p{L}\p{N}]/u.test(parts[at + 1] ?? ''))
}

async function assertErasable(root: string): Promise<void> {
  assertFirst(root)
  await assertNotHeld(root, new HoldWatch(root))
}

/** Before anything is overwritten: no name is erased without a word in the index. */
async function markErased(root: string, erased: ErasureMark): Promise<void> {
  await whileDeciding(root, async () => {
    await assertErasable(root)
    await advanceEpoch(await currentFolder(root), { ended: [], mostLooks: 0, mark: () => ({ erased }) })
  })
}

/** By name: the pseudonym of the row that counts, which is the first. */
async function pseudonymsOf(path: string, asked: ReadonlySet<string>, trail: string | undefined): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const content = await regularContent(path)
  const trails = trailsIn(content)
  if (trail !== undefined && trails.size > 0 && !trails.has(trail)) throw keysOfAnother(path)
  for (const { row } of rowsIn(content))
    if (row !== undefined && asked.has(row.name) && !found.has(row.name)) found.set(row.name, nameIdOf(row.key))
  content.fill(0)
  return found
}

/** A misspelt name must not look erased. Of an erasure that was interrupted, some names are gone already. */
async function assertKnown(
  asked: ReadonlySet<string>,
  found: ReadonlyMap<string, string>,
  { path, root }: { readonly path: string; readonly root: string },
): Promise<void> {
  const unknown = [...asked].flatMap((name, index) => (found.has(name) ? [] : [index + 1]))
  if (unknown.length === 0 || (await isBegun(root, [...found.values()]))) return
  await overwriteRows(path, new Map()) // the row of an unknown name may be one that was left unfinished
  throw new SecretsError('NOT_FOUND', `the file of name keys has no key of ${whichOf(unknown, asked.size)}`, {
    remedy:
      'correct a name that is misspelt; leave out one that was erased before, or that was never recorded while names were sealed, since there is nothing to erase',
  })
}

/** By their places: an error does not name a person. */
function whichOf(unknown: readonly number[], all: number): string {
  return all === 1 ? 'this name' : `${unknown.length} of the ${all} names: number ${unknown.join(', ')}`
}

/** Whether the index says already that one of these was erased. */
async function isBegun(root: string, pseudonyms: readonly string[]): Promise<boolean> {
  if (pseudonyms.length === 0) return false
  for (const folder of ['', ...successorsOf(root)])
    for await (const lines of linesOf(join(root, folder, indexFile)))
      if (lines.some((line) => line.includes('"erased":') && pseudonyms.some((each) => line.includes(`"${each}"`)))) return true
  return false
}

/** Rows that a dying process left unfinished too: the name may be gone, and its key not. */
async function overwriteRows(path: string, names: ReadonlyMap<string, string>): Promise<void> {
  const handle = await openRegularToWrite(path)
  try {
    const content = await handle.readFile()
    for (const placed of rowsIn(content)) {
      const text = replacement(placed, names)
      if (text !== undefined) await handle.write(text, placed.at)
    }
    content.fill(0)
    await syncData(handle)
  } finally {
    await handle.close()
  }
  if (names.size > 0) await appendFile(path, noticeText(Date.now()), { flush: true })
}

function replacement({ length, row, erased, trail, isNotice }: PlacedRow, names: ReadonlyMap<string, string>): string | undefined {
  if (row === undefined) return erased === undefined && trail === undefined && isNotice !== true ? ' '.repeat(length) : undefined
  return names.has(row.name) ? erasedRowText(nameIdOf(row.key), length) : undefined
}

async function inTrail(root: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw folderError(error, root)
  }
}

async function inFile<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw keysFailed(path, error)
  }
}
