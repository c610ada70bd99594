import { isValidName, SecretsError, type SecretLocation, type SecretProvider, type SecretValue } from '@finchat/secrets-core'
import { assertValue, hasCode, invalidArgument, loadOnUse, type ProviderManifest, withDetails } from '@finchat/secrets-core/provider'
import { exitCodes } from '../terminal/exit-codes.ts'
import { asStored, type Content, isFields, isSame } from './content.ts'
import { type Item, problemOf, type Row, type Store } from './item.ts'

/** The store that is written. */
export interface Target extends Store {
  /** What it can hold, if its package says so. */
  readonly manifest: ProviderManifest | undefined
  /** Why a declaration forbids a new value, unless it is written by force. */
  readonly forbids?: ((name: string, content: Content) => Promise<string | undefined>) | undefined
}

/** An item that can be moved. */
type Readable = Required<Pick<Item, 'name' | 'content'>>

/** Compares an item with what the target has, and writes nothing. */
export async function inspect(item: Item, target: Target): Promise<Row> {
  const { name, content } = item
  const location = locationOf(name, target.provider)
  const row = { name, path: location?.path, field: location?.field }
  if (content === undefined) return { ...row, ...(await withoutContent(item, target)) }
  try {
    assertFits({ name, content }, location, target)
    const held = await currentAt(name, target)
    if (held !== undefined) return { ...row, state: isSame(content, held) ? 'same' : 'different', exitCode: exitCodes.ok }
    const reason = await target.forbids?.(name, content)
    if (reason !== undefined) throw invalidArgument(reason, 'correct the value, or its declaration')
    return { ...row, state: 'new', exitCode: exitCodes.ok }
  } catch (error) {
    return { ...row, state: 'cannot be mapped', ...problemOf(error) }
  }
}

function locationOf(name: string, { locate }: SecretProvider): SecretLocation | undefined {
  if (!isValidName(name)) return undefined
  return locate === undefined ? { path: name } : locate(name)
}

/** What moved earlier may be gone from the source. */
async function withoutContent({ name, problem }: Item, target: Target): Promise<Omit<Row, 'name'>> {
  const failed = problem ?? { reason: 'it could not be read', exitCode: exitCodes.other }
  const isMissing = failed.code === 'NOT_FOUND' || failed.exitCode === exitCodes.ok
  if (!isMissing) return { state: 'cannot be mapped', ...failed }
  const [held] = await Promise.allSettled([currentAt(name, target)]) // a document may be there without this field
  if (held.status === 'fulfilled' && held.value !== undefined)
    return { state: 'absent', reason: 'the source does not have it, but the target has', exitCode: exitCodes.ok }
  return { state: failed.exitCode === exitCodes.ok ? 'absent' : 'cannot be mapped', ...failed }
}

function assertFits({ name, content }: Readable, location: SecretLocation | undefined, { provider, manifest }: Target): void {
  if (!isValidName(name)) throw invalidArgument('it is no name of a secret, which has letters, digits and / _ + = . @ : -')
  if (location === undefined) throw invalidArgument(`'${provider.name}' has no place for this name: give it one in ${provider.name}.names`)
  if (location.field !== undefined && typeof content !== 'string')
    throw invalidArgument(`a field holds one text, not ${isFields(content) ? 'several fields' : 'bytes'}`)
  if (manifest !== undefined) assertValue(asStored(content), manifest.values)
}

/** From the store itself; `undefined` if there is none. */
async function currentAt(name: string, { secrets, actor }: Target): Promise<SecretValue | undefined> {
  try {
    return await secrets.getSecretValue(name, { fresh: true, actor })
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || isPlaceAlone(error)) return undefined
    throw error
  }
}

/**
 * The place is there, but holds nothing yet: a document without this field, or a secret of AWS that
 * Terraform made, or a write that was killed. There is no code for these.
 */
function isPlaceAlone(error: unknown): boolean {
  return SecretsError.isInstance(error) && emptyPlaces.some(([code, problem]) => error.code === code && error.problem.startsWith(problem))
}

const emptyPlaces = [
  ['INVALID_ARGUMENT', 'the secret has no field'],
  ['CONFIGURATION', 'the secret exists and has no value'],
] as const

/**
 * Writes an item, unless the target has the same already, and reads it back from the store. Throws
 * `VERSION_CONFLICT` if another writer came first, and `INTEGRITY` if it reads back differently. The
 * `effect` of an error tells whether the item was, or may be, written.
 */
export async function write(item: Readable, state: 'new' | 'different', target: Target): Promise<void> {
  try {
    await store(item, state, target)
  } catch (error) {
    await settle(item, target, error)
  }
  await assertWritten(item, target)
}

/** Throws `INTEGRITY` if the target has another value. */
export async function assertWritten(item: Readable, target: Target): Promise<void> {
  if (await isThere(item, target)) return
  throw new SecretsError('INTEGRITY', 'the written value reads back differently', {
    secret: item.name,
    provider: target.provider.name,
    effect: 'done',
    remedy: 'find out who else writes there, then run the command again',
  })
}

/** After a lost answer, or a conflict: the store itself tells what it has. */
async function settle(item: Readable, target: Target, error: unknown): Promise<void> {
  const isConflict = hasCode(error, 'VERSION_CONFLICT')
  if (!isConflict && !(SecretsError.isInstance(error) && error.effect === 'unknown')) throw error
  const held = await currentAt(item.name, target).catch(() => {
    throw error // it says more: the write may have happened
  })
  if (held !== undefined && isSame(item.content, held)) return
  if (held !== undefined || !isConflict) throw error
  await storeAfterPurge(item, target, error)
}

/**
 * There is none, but a purged secret had the number, and a write without one could go over that of
 * another writer. So the value is staged: then a write before is seen, and a later one refuses the promotion.
 */
async function storeAfterPurge({ name, content }: Readable, target: Target, conflict: unknown): Promise<void> {
  const { secrets, actor } = target
  const { discardSecret, promoteSecret, stageSecret } = await loadOnUse(
    staging,
    () => import('@finchat/secrets-core/staging'),
    'stageSecret',
  )
  const staged = await stageSecret(secrets, name, content, { actor })
  try {
    if ((await currentAt(name, target)) !== undefined) throw conflict
    await promoteSecret(secrets, name, staged, { actor })
  } catch (error) {
    if (error === conflict || hasCode(error, 'VERSION_CONFLICT')) await discardSecret(secrets, name, staged, { actor })
    throw error
  }
}

const staging = { what: 'the staging of a version', name: '@finchat/secrets-core' }

async function isThere({ name, content }: Readable, target: Target): Promise<boolean> {
  const held = await currentAt(name, target).catch((error: unknown) => {
    throw SecretsError.isInstance(error) ? withDetails(error, { effect: 'done' }) : error
  })
  return held !== undefined && isSame(content, held)
}

/** The number is asked for before the value, so that no other write can come between unnoticed. */
async function store({ name, content }: Readable, state: 'new' | 'different', target: Target): Promise<void> {
  const { secrets, actor } = target
  const version = await nextVersion(name, target)
  const held = await currentAt(name, target)
  if (held !== undefined && isSame(content, held)) return
  if (held !== undefined && state === 'new') throw new SecretsError('VERSION_CONFLICT', 'another writer wrote it meanwhile')
  try {
    await secrets.storeSecret(name, content, { version, actor })
  } catch (error) {
    if (!isWithoutNumbers(error) || version === undefined) throw error
    await secrets.storeSecret(name, content, { actor })
  }
}

/** The store counts by itself, as Kubernetes and KV v1 do: then it cannot compare. */
function isWithoutNumbers(error: unknown): boolean {
  return hasCode(error, 'UNSUPPORTED') && error.effect === undefined
}

async function nextVersion(name: string, { secrets, actor }: Target): Promise<number | undefined> {
  try {
    const { version } = await secrets.describeSecret(name, { actor })
    return version === undefined ? undefined : version + 1
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || isPlaceAlone(error)) return 1
    throw error
  }
}
