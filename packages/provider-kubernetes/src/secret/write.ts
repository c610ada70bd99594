import { type NewSecret, SecretsError, type WriteReceipt } from '@finchat/secrets-core'
import { member } from '@finchat/secrets-core/http'
import { configurationError, hasCode, matchesReceipt, type Provides, undefinedOn } from '@finchat/secrets-core/provider'
import { unexpectedAnswer } from '../api/status.ts'
import { placeOf } from '../shared/paths.ts'
import { annotationsOf, deletedMark, withoutCopies, writeMark } from './annotations.ts'
import { assertSize, checkedSecret, type CheckedSecret } from './input.ts'
import { readObject } from './read.ts'
import { isText, metadataOf, type SecretMetadata, type SecretObject } from './secret-object.ts'
import type { SecretStore } from './secret-store.ts'

/** How often an unconditional write starts again, if others write too. */
const mostAttempts = 5

export function secretWrites(store: SecretStore): Provides<'put' | 'tag' | 'delete'> {
  return {
    put: async (path, secret, { signal }) => {
      placeOf(path)
      return putSecret(store, path, checkedSecret(secret), signal)
    },
    tag: async (path, tags, { signal }) => {
      placeOf(path)
      const annotations = annotationsOf(tags)
      if (Object.keys(annotations).length === 0) return
      const { isEnding } = await patch(store, path, { metadata: { annotations } }, signal)
      if (isEnding) throw ending() // the tags go away with it
    },
    delete: async (path, { purge }, { signal }) => {
      await undefinedOn('NOT_FOUND', purge ? remove(store, path, signal) : empty(store, path, signal))
      store.watches.wrote(path, undefined)
      return {}
    },
  }
}

/** Reads the object, and writes over its resource version: a write between the two is a conflict. */
async function putSecret(store: SecretStore, path: string, secret: CheckedSecret, signal: AbortSignal): Promise<WriteReceipt> {
  for (let attempt = 1; ; attempt += 1) {
    const current = await readObject(store, path, signal)
    assertCondition(current, secret.ifCurrent)
    try {
      return await (current === undefined ? create(store, path, secret, signal) : replace(store, path, secret, current, signal))
    } catch (error) {
      const isFinal = secret.ifCurrent !== undefined || attempt === mostAttempts
      if (!isFinal && (hasCode(error, 'VERSION_CONFLICT') || isRemoved(error, current))) continue
      throw isRemoved(error, current) ? conflict() : error
    }
  }
}

/** It was deleted between the read and the write. */
function isRemoved(error: unknown, current: SecretObject | undefined): boolean {
  return current !== undefined && hasCode(error, 'NOT_FOUND')
}

function assertCondition(current: SecretObject | undefined, ifCurrent: NewSecret['ifCurrent']): void {
  if (ifCurrent === undefined) return
  const live = current?.isWithdrawn === true ? undefined : current
  const isMet = ifCurrent === null ? live === undefined : live !== undefined && matchesReceipt(ifCurrent, { revision: live.revision })
  if (!isMet) throw conflict()
}

function conflict(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'another version is current', { remedy: 'read the secret and decide anew' })
}

async function create(
  store: SecretStore,
  path: string,
  { fields, annotations }: CheckedSecret,
  signal: AbortSignal,
): Promise<WriteReceipt> {
  const { namespace, name } = placeOf(path)
  const body = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, annotations: held({ ...annotations, ...writeId() }) },
    type: 'Opaque',
    data: fields,
  })
  const answer = await store.api.ask({ method: 'POST', path: await store.paths.all(namespace, signal), body }, signal)
  return receiptOf(written(store, path, answer))
}

/** Makes a version of a write that changes nothing, which the API would drop. */
function writeId(): Record<string, string> {
  return { [writeMark]: crypto.randomUUID() }
}

/** Labels, type and fields that are no text stay, as other tools keep them there. */
async function replace(
  store: SecretStore,
  path: string,
  secret: CheckedSecret,
  current: SecretObject,
  signal: AbortSignal,
): Promise<WriteReceipt> {
  if (current.isEnding) throw ending() // the write would go away with it
  if (current.isImmutable) throw configurationError('the secret is immutable', 'purge it first, or write it under another name')
  const binary = Object.entries(current.data).filter(([, encoded]) => !isText(encoded))
  // Alone, it was the value itself.
  const others = Object.fromEntries(Object.keys(current.data).length === 1 ? [] : binary)
  assertSize({ ...others, ...secret.fields })
  const removed = Object.fromEntries(Object.keys(current.data).flatMap((name) => (Object.hasOwn(others, name) ? [] : [[name, null]])))
  const annotations = { ...secret.annotations, ...withoutCopies, ...writeId(), [deletedMark]: null }
  const metadata = { resourceVersion: current.revision, annotations }
  return receiptOf(await patch(store, path, { metadata, data: { ...removed, ...secret.fields } }, signal))
}

function ending(): SecretsError {
  return new SecretsError('DELETED', 'the secret waits for its finalizers', { remedy: 'write it once it is gone' })
}

/** A merge patch (RFC 7396): null removes. */
async function patch(store: SecretStore, path: string, change: object, signal: AbortSignal): Promise<SecretMetadata> {
  const place = await store.paths.of(placeOf(path), signal)
  const answer = await store.api.ask({ method: 'PATCH', path: place, body: JSON.stringify(change), metadata: 'object' }, signal)
  return written(store, path, answer)
}

/** Leaves an empty Secret that says so: a later provider of the chain must not answer in its place. */
async function empty(store: SecretStore, path: string, signal: AbortSignal): Promise<void> {
  const annotations = { ...withoutCopies, [deletedMark]: new Date().toISOString() }
  await patch(store, path, { metadata: { annotations }, data: null }, signal)
}

async function remove(store: SecretStore, path: string, signal: AbortSignal): Promise<void> {
  const answer = await store.api.ask({ method: 'DELETE', path: await store.paths.of(placeOf(path), signal), metadata: 'object' }, signal)
  const kind = String(member(answer, 'kind'))
  if (!/^(Status|Secret|PartialObjectMetadata)$/.test(kind)) throw unexpectedAnswer(200, true)
  // With finalizers the server answers with the object, which stays until they are gone: at least without its values.
  if (kind !== 'Status') await Promise.allSettled([empty(store, path, signal)])
}

function written(store: SecretStore, path: string, answer: object): SecretMetadata {
  const metadata = metadataOf(answer, true)
  store.watches.wrote(path, metadata.revision)
  return metadata
}

function receiptOf({ revision }: SecretMetadata): WriteReceipt {
  return { revision }
}

function held(annotations: CheckedSecret['annotations']): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter((entry): entry is [string, string] => entry[1] !== null))
}
