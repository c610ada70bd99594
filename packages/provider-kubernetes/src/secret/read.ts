import type { CallContext, ListedSecret } from '@finchat/secrets-core'
import { type Provides, undefinedOn } from '@finchat/secrets-core/provider'
import { unexpectedAnswer } from '../api/status.ts'
import { placeOf, type SecretPlace } from '../shared/paths.ts'
import { listSecrets } from './list.ts'
import { assertLive, descriptionOf, metadataOf, objectOf, type SecretMetadata, type SecretObject, secretOf } from './secret-object.ts'
import type { SecretStore } from './secret-store.ts'

export function secretReads(store: SecretStore): Provides<'get' | 'describe' | 'probe' | 'list'> {
  const described = async (path: string, { signal }: CallContext): Promise<SecretMetadata | undefined> => {
    const metadata = await readMetadata(store, path, signal)
    store.watches.saw(path, metadata?.revision)
    if (metadata !== undefined) assertLive(metadata)
    return metadata
  }
  return {
    get: async (path, { signal }) => {
      const object = await readObject(store, path, signal)
      store.watches.saw(path, object?.revision)
      if (object === undefined) return undefined
      assertLive(object)
      return secretOf(object)
    },
    describe: async (path, context) => {
      const metadata = await described(path, context)
      return metadata && descriptionOf(metadata)
    },
    probe: async (path, context) => {
      const metadata = await described(path, context)
      return metadata && { revision: metadata.revision }
    },
    list: (prefix, context): AsyncIterable<ListedSecret> => listSecrets(store, prefix, context),
  }
}

export async function readObject({ api, paths }: SecretStore, path: string, signal: AbortSignal): Promise<SecretObject | undefined> {
  const place = placeOf(path)
  const answer = await undefinedOn('NOT_FOUND', api.ask({ method: 'GET', path: await paths.of(place, signal) }, signal))
  return answer && named(place, objectOf(answer))
}

async function readMetadata({ api, paths }: SecretStore, path: string, signal: AbortSignal): Promise<SecretMetadata | undefined> {
  const place = placeOf(path)
  const answer = await undefinedOn('NOT_FOUND', api.ask({ method: 'GET', path: await paths.of(place, signal), metadata: 'object' }, signal))
  return answer && named(place, metadataOf(answer))
}

/** A proxy that mixes up answers must not pass another secret off as this one. */
function named<T extends SecretMetadata>({ name }: SecretPlace, answer: T): T {
  if (answer.name === name) return answer
  throw unexpectedAnswer(200, false)
}
