import { hasCode, undefinedOn } from '../kit/error-code.ts'
import type { CallContext, NewSecret, StoredSecret, WriteReceipt } from '../contract/provider.ts'
import type { SecretsErrorCode } from '../contract/error-codes.ts'
import { keysOf, memberOf, soleField } from '../value/json-field.ts'
import { fieldsInMap, isJsonObject, isLoneText, setFields } from '../value/nested-fields.ts'
import { own } from '../errors/own-properties.ts'
import type { Location } from '../chain/routing.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { wipe } from '../guard/check-answer.ts'
import { keepsFields, type Target } from './write-target.ts'

const mostAttempts = 10

export async function put(target: Target, fields: readonly string[], secret: NewSecret, context: CallContext): Promise<WriteReceipt> {
  const isWhole = fields.length === 0
  if (isWhole && !mayBeOneOfFields(target.location, secret)) {
    wipe(target.current)
    return putWhole(target, secret, context)
  }
  if (!isWhole && (await isLeased(target, context))) throw leased()
  let { current } = target
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await (isWhole ? putAsKept(target.location, current, secret, context) : putField(target.location, fields, secret, context))
    } catch (error) {
      if (!isLostRace(error, secret) || attempt === mostAttempts) throw error
      current = undefined
    }
  }
}

/** Only for writes without effect: a repeated one could undo later writes of others. */
function isLostRace(error: unknown, { version }: NewSecret): boolean {
  return version === undefined && isRefusedAs('VERSION_CONFLICT', error)
}

function isRefusedAs(code: SecretsErrorCode, error: unknown): boolean {
  return hasCode(error, code) && error.effect === undefined
}

/**
 * A read could issue a lease just to refuse the write, so `describe` is asked. Only a provider that
 * keeps named fields at some paths may lease at others.
 */
export async function isLeased({ location, before }: Target, context: CallContext): Promise<boolean> {
  if (before !== undefined) return own(before, 'exclusive') === true
  const { keepsFields: isTold, describe } = location.chainEntry.provider
  if (isTold === undefined || describe === undefined || keepsFields(location)) return false
  const [answer] = await Promise.allSettled([describe(location.path, context)])
  return answer.status === 'fulfilled' && own(answer.value, 'exclusive') === true
}

export function leased(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'the secret is leased: its store makes it, one for each process, and takes no other', {
    remedy: 'change in the store what it makes, or route the name away',
  })
}

/** A first version replaces nothing, and an object brings all fields. */
export function mayBeOneOfFields(location: Location, { shape, version }: NewSecret): boolean {
  return location.chainEntry.provider.put !== undefined && shape === undefined && version !== 1 && keepsFields(location)
}

/** Writes with compare-and-set, or without it if the store has none. */
async function putAsKept(
  location: Location,
  current: StoredSecret | undefined,
  secret: NewSecret,
  context: CallContext,
): Promise<WriteReceipt> {
  const found = current ?? (await currentAt(location, context))
  const kept = asKept(location, found, secret)
  const before = found === undefined ? null : identityOf(found)
  const write = (ifCurrent: NewSecret['ifCurrent']): Promise<WriteReceipt> =>
    putWhole({ location, before }, { ...kept, ifCurrent }, context)
  if (!isIdentity(before)) return write(undefined)
  try {
    return await write(before)
  } catch (error) {
    if (isRefusedAs('UNSUPPORTED', error)) return write(undefined)
    throw error
  }
}

/** Whether compare-and-set can use it. */
function isIdentity(before: WriteReceipt | null): boolean {
  return before?.version !== undefined || before?.revision !== undefined || before === null
}

/**
 * Puts the value into the only field, where its readers look for it. Throws `INVALID_ARGUMENT` if
 * there are several, which would be lost.
 */
export function asKept({ isJson = false }: Location, before: StoredSecret | undefined, secret: NewSecret): NewSecret {
  if (before?.shape !== 'map') {
    wipe(before)
    return secret
  }
  if (isJson && isObjectFor(String(before.value), secret)) return { ...secret, shape: 'map' }
  const [field, ...others] = keysOf(String(before.value))
  if (others.length > 0)
    throw new SecretsError('INVALID_ARGUMENT', 'the secret has several fields, which one value would replace', {
      remedy: 'write one of them by `field`, or all of them as an object',
    })
  if (field === undefined) return secret
  if (typeof secret.value !== 'string') throw new SecretsError('INVALID_ARGUMENT', 'a field holds text, not bytes')
  return { ...secret, value: `{${JSON.stringify(field)}:${JSON.stringify(secret.value)}}`, shape: 'map' }
}

/** Named fields are replaced by those of a JSON text. */
function isObjectFor(before: string, { value }: NewSecret): boolean {
  return !isLoneText(before) && typeof value === 'string' && isJsonObject(value)
}

/** A withdrawn secret may be overwritten. */
export function currentAt(location: Location, context: CallContext): Promise<StoredSecret | undefined> {
  return undefinedOn('DELETED', readAt(location, context))
}

/** Reads past the cache, but remembers refusals. */
function readAt({ chainEntry, path }: Location, context: CallContext): Promise<StoredSecret | undefined> {
  return chainEntry.store.askBeside(path, () => chainEntry.provider.get(path, context), 'read')
}

async function putField(location: Location, fields: readonly string[], secret: NewSecret, context: CallContext): Promise<WriteReceipt> {
  const change = await withFieldSet(location, fields, secret, context)
  try {
    return await putWhole({ location, before: change.before }, { ...change.secret, ifCurrent: change.before }, context)
  } catch (error) {
    throw isRefusedAs('UNSUPPORTED', error) && secret.version === undefined ? notAlone() : error
  }
}

/** The provider's own remedy would name a condition that the caller did not give. */
function notAlone(): SecretsError {
  return new SecretsError('UNSUPPORTED', 'the provider compares no versions', {
    remedy: 'write the whole secret: one field cannot be written alone',
  })
}

/** The whole secret with the field changed, and the version that it was read from. */
export async function withFieldSet(
  location: Location,
  fields: readonly string[],
  secret: NewSecret,
  context: CallContext,
): Promise<{ readonly before: WriteReceipt | null; readonly secret: NewSecret }> {
  if (typeof secret.value !== 'string' || secret.shape === 'map')
    throw new SecretsError('INVALID_ARGUMENT', `a field holds text, not ${secret.shape === 'map' ? 'fields' : 'bytes'}`)
  const current = await readAt(location, context)
  const before = current === undefined ? null : identityOf(current)
  if (!isIdentity(before)) {
    wipe(current)
    throw notAlone()
  }
  const value = withField(current, fields, secret.value)
  return { before, secret: { ...secret, value, shape: current === undefined ? 'map' : current.shape } }
}

function withField(current: StoredSecret | undefined, fields: readonly string[], value: string): string {
  if (current === undefined) return setFields(undefined, fields, value)
  if (typeof current.value !== 'string') {
    wipe(current)
    throw new SecretsError('INVALID_ARGUMENT', 'the secret is binary: it has no fields')
  }
  return setFields(current.value, current.shape === 'map' ? fieldsInMap(current.value, fields) : fields, value)
}

async function putWhole({ location, before }: Target, secret: NewSecret, context: CallContext): Promise<WriteReceipt> {
  const { put: write } = location.chainEntry.provider
  if (write === undefined) {
    throw new SecretsError('UNSUPPORTED', 'the provider cannot be written', {
      remedy: 'change the secret in the store itself, or name another `provider`',
    })
  }
  try {
    return await write(location.path, secret, context)
  } catch (error) {
    if (!SecretsError.isInstance(error) || error.effect !== 'unknown' || context.signal.aborted) throw error
    return readBack(location, before, secret, error, context)
  }
}

/** After a lost answer. */
async function readBack(
  location: Location,
  before: Target['before'],
  secret: NewSecret,
  lost: SecretsError,
  context: CallContext,
): Promise<WriteReceipt> {
  const { getVersion } = location.chainEntry.provider
  const reading = secret.version === undefined ? readAt(location, context) : getVersion?.(location.path, secret.version, context)
  const found = await reading?.catch(() => undefined)
  if (found === undefined) throw lost
  const isOurs = isSame(found.value, secret.value) || (found.shape === 'map' && isSameMap(String(found.value), secret))
  wipe(found)
  if (secret.version !== undefined && !isOurs && (found.shape !== 'map' || secret.shape === 'map')) {
    throw new SecretsError('VERSION_CONFLICT', `version ${secret.version} was written by another writer`, {
      remedy: 'read it, or take the next number',
    })
  }
  // Without a number an equal value proves nothing, unless its version is another one than before.
  if (!isOurs || (secret.version === undefined && !isAnother(found, before))) throw lost
  return identityOf(found)
}

function isAnother(found: StoredSecret, before: Target['before']): boolean {
  if (before === undefined) return false
  return before === null || found.version !== before.version || found.revision !== before.revision
}

function isSame(one: string | Uint8Array, other: string | Uint8Array): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other
  return Buffer.compare(one, other) === 0
}

/** A store of named fields has its own JSON format, and keeps a text as its only field. */
function isSameMap(found: string, written: NewSecret): boolean {
  const fields = keysOf(found)
  if (written.shape !== 'map') return fields.length === 1 && soleField(found) === written.value
  const value = String(written.value)
  return fields.length === keysOf(value).length && fields.every((field) => hasSameField(found, value, field))
}

/** Not by JSON pointer: a regular expression would see the secret's keys. */
function hasSameField(found: string, written: string, field: string): boolean {
  const value = memberOf(found, field)
  return value !== undefined && value === memberOf(written, field)
}

function identityOf({ version, revision }: StoredSecret): WriteReceipt {
  return { version, revision }
}
