import { member } from '@finchat/secrets-core/http'
import { type SecretDescription, SecretsError, type StoredSecret } from '@finchat/secrets-core'
import { assertVersionNumber, hasCode, isJsonObject, type Provides } from '@finchat/secrets-core/provider'
import type { VaultAnswer } from '../http/answer.ts'
import {
  currentOf,
  descriptionOf,
  metadataOf,
  unexpectedAnswer,
  plainSecret,
  recordOf,
  type SecretRecord,
  type VersionMetadata,
  versionedSecret,
} from './answers.ts'
import type { KvMount } from './mount.ts'
import { assertPath } from '../shared/paths.ts'

/** May throw why a path is missing. */
type OnMissing = (path: string, signal: AbortSignal) => Promise<void>

export function kvReads(mount: KvMount, onMissing: OnMissing = async () => {}): Provides<'get' | 'getVersion' | 'describe' | 'probe'> {
  return {
    /** Reads the data, which every reader may: the metadata of 100 versions are thirty times as long. */
    probe: async (path, { signal }) => {
      assertPath(path)
      const secret = await mount.read(signal, async (kv) => {
        assertVersioned(kv)
        return readVersion(mount, path, signal)
      })
      if (secret === undefined) await onMissing(path, signal)
      return secret && { version: secret.version, revision: secret.revision }
    },
    get: async (path, { signal }) => {
      assertPath(path)
      const secret = await mount.read(signal, (kv) => (kv === 2 ? readVersion(mount, path, signal) : readPlain(mount, path, signal)))
      if (secret === undefined) await onMissing(path, signal)
      return secret
    },
    getVersion: async (path, version, { signal }) => {
      assertPath(path)
      if (version !== 'previous') assertVersionNumber(version) // Vault answers `?version=0` with the current version
      return mount.read(signal, async (kv) => {
        assertVersioned(kv)
        return version === 'previous' ? readPrevious(mount, path, signal) : readVersion(mount, path, signal, version)
      })
    },
    describe: async (path, { signal }) => {
      assertPath(path)
      return mount.read(signal, async (kv) => {
        assertVersioned(kv)
        return described(mount, path, signal)
      })
    },
  }
}

/** Throws `UNSUPPORTED` for KV v1. */
export function assertVersioned(kv: number): void {
  if (kv === 2) return
  throw new SecretsError('UNSUPPORTED', 'the mount is KV v1, which knows no versions and no tags', { remedy: 'upgrade it to KV v2' })
}

export async function readVersion(mount: KvMount, path: string, signal: AbortSignal, version?: number): Promise<StoredSecret | undefined> {
  const query = version === undefined ? '' : `?version=${version}`
  const answer = await mount.ask(path, { method: 'GET', part: 'data', query, call: 'read', capability: 'read' }, signal)
  const secret = answer.status === 404 ? undefined : versionedSecret(answer)
  if (version !== undefined && secret !== undefined && secret.version !== version) throw unexpectedAnswer(answer)
  return secret
}

async function readPlain(mount: KvMount, path: string, signal: AbortSignal): Promise<StoredSecret | undefined> {
  const answer = await mount.ask(path, { method: 'GET', call: 'read', capability: 'read' }, signal)
  return answer.status === 404 ? undefined : plainSecret(answer)
}

async function readPrevious(mount: KvMount, path: string, signal: AbortSignal): Promise<StoredSecret | undefined> {
  const { version = 0 } = (await readVersion(mount, path, signal)) ?? {}
  return version > 1 ? readVersion(mount, path, signal, version - 1) : undefined
}

/** Reads the metadata; if the policy allows only the data, describes the current version. */
async function described(mount: KvMount, path: string, signal: AbortSignal): Promise<SecretDescription | undefined> {
  try {
    const record = await readRecord(mount, path, signal)
    const current = record && currentOf(record)
    if (!record || !current) return undefined
    if (current.isDestroyed) throw withdrawn('the version was destroyed', 'write a new one with `storeSecret`')
    if (current.isDeleted) throw withdrawn('the secret was deleted', 'restore it, or write a new version with `storeSecret`')
    return descriptionOf(record, current)
  } catch (error) {
    if (!hasCode(error, 'PERMISSION_DENIED')) throw error
  }
  const secret = await readVersion(mount, path, signal)
  if (secret === undefined) return undefined
  const { value: _value, shape: _shape, ...rest } = secret
  return rest
}

function withdrawn(problem: string, remedy: string): SecretsError {
  return new SecretsError('DELETED', problem, { remedy })
}

export async function readRecord(mount: KvMount, path: string, signal: AbortSignal): Promise<SecretRecord | undefined> {
  const answer = await mount.ask(path, { method: 'GET', part: 'metadata', call: 'read', capability: 'read' }, signal)
  return answer.status === 404 ? undefined : recordOf(answer)
}

function isWithdrawn({ status, body }: VaultAnswer): boolean {
  return status === 404 && isJsonObject(member(body, 'data', 'metadata'))
}

export interface LastVersion extends VersionMetadata {
  /** `undefined` if it was deleted. */
  readonly secret: StoredSecret | undefined
}

/** Reads the data, which every rotator may read. */
export async function readLast(mount: KvMount, path: string, signal: AbortSignal): Promise<LastVersion | undefined> {
  const answer = await mount.ask(path, { method: 'GET', part: 'data', call: 'read', capability: 'read', takes: isWithdrawn }, signal)
  const metadata = member(answer.body, 'data', 'metadata')
  if (metadata === undefined) return undefined
  return { ...metadataOf(answer, metadata), secret: answer.status === 200 ? versionedSecret(answer) : undefined }
}
