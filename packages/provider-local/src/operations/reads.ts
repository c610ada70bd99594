import type { CallContext, ListedSecret, SecretDescription, StoredSecret, WriteReceipt } from '@finchat/secrets-core'
import { assertVersionNumber, invalidArgument, type Provides } from '@finchat/secrets-core/provider'
import { takeFirst } from '../merkle/version-index.ts'
import { assertPath } from '../record/input.ts'
import { live, type SecretRecord, type VersionRecord } from '../record/secret-record.ts'
import { storeError } from '../sqlite/sqlite-errors.ts'
import { storedSecret, type ReadView } from '../store/read-view.ts'
import type { Store } from '../store/store.ts'

/** Records read in one transaction; the event loop turns between two pages. */
const pageSize = 100

export type Reads = Provides<'get' | 'getVersion' | 'getMany' | 'describe' | 'list' | 'probe' | 'checkHealth'>

export function reads(store: Store): Reads {
  return {
    get: async (path, context) => {
      assertPath(path)
      return store.read(
        context,
        (view) => current(view, path),
        (view) => view.isCached(path),
      )
    },
    getVersion: async (path, version, context) => {
      assertPath(path)
      if (version !== 'previous') assertVersionNumber(version)
      return store.read(context, (view) => versioned(view, path, version))
    },
    getMany: async (paths, context) => {
      if (!Array.isArray(paths)) throw invalidArgument('the paths are not an array')
      return store.read(context, (view) => paths.map((path: string) => settled(() => current(view, path))))
    },
    describe: async (path, context) => {
      assertPath(path)
      return store.read(context, (view) => described(view, view.find(path)))
    },
    // As authentic as a read: by the hash tree, or by memory while no other connection has committed.
    probe: async (path, context) => {
      assertPath(path)
      return store.read(
        context,
        (view) => probed(view, path),
        (view) => view.isKnown(path),
      )
    },
    list: (prefix, context) => list(store, prefix, context),
    checkHealth: async (context) => store.read(context, () => {}),
  }
}

function current(view: ReadView, path: string): StoredSecret | undefined {
  assertPath(path)
  const record = live(view.find(path))
  return valueOf(view, path, record && view.versions.version(record, record.current))
}

function probed({ find, versions }: ReadView, path: string): WriteReceipt | undefined {
  const record = live(find(path))
  const version = record && versions.version(record, record.current)
  return version && { version: version.version, revision: version.revision }
}

function versioned(view: ReadView, path: string, version: number | 'previous'): StoredSecret | undefined {
  const record = live(view.find(path))
  if (!record) return undefined
  const found = view.versions.version(record, version === 'previous' ? record.previous : version)
  return found?.version === record.pending ? undefined : valueOf(view, path, found)
}

function valueOf(view: ReadView, path: string, version: VersionRecord | undefined): StoredSecret | undefined {
  return version && storedSecret(view, path, version)
}

/** A failure affects only its own path. */
function settled(read: () => StoredSecret | undefined): PromiseSettledResult<StoredSecret | undefined> {
  try {
    return { status: 'fulfilled', value: read() }
  } catch (error) {
    return { status: 'rejected', reason: storeError(error) }
  }
}

/** Bounds the cost of a description where all versions are kept. */
const maxDescribed = 100

function described({ versions }: ReadView, record: SecretRecord | undefined): SecretDescription | undefined {
  const now = live(record) && record && versions.version(record, record.current)
  if (!record || !now) return undefined
  const newest = takeFirst(versions.descending(record), maxDescribed, [record.pending])
  const quotedPath = newest.toReversed().flatMap((number) => versions.version(record, number) ?? [])
  return { ...identity(now), currentNotBefore: now.currentSince, tags: record.tags, versions: quotedPath.map(identity) }
}

function identity({ version, revision, currentSince }: VersionRecord): Pick<StoredSecret, 'version' | 'revision' | 'currentSince'> {
  return { version, revision, currentSince }
}

/** The paths of one moment; each secret is as it is when its page is read. */
async function* list(store: Store, prefix: string, context: CallContext): AsyncGenerator<ListedSecret, void, undefined> {
  const paths = await store.read(context, (view) =>
    view
      .paths()
      .filter((path) => path.startsWith(prefix))
      .toSorted(),
  )
  for (let start = 0; start < paths.length; start += pageSize) {
    const page = paths.slice(start, start + pageSize)
    yield* await store.read(context, (view) => page.flatMap((path) => listed(view.find(path))))
  }
}

function listed(record: SecretRecord | undefined): ListedSecret[] {
  if (!record || record.current === undefined || record.deletedAt !== undefined) return []
  return [{ path: record.path, tags: record.tags }]
}
