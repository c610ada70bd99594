import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type SecretProvider, SecretsError, type StagedSecret, type Staging, type StoredSecret } from '@finchat/secrets-core'

/** All versions of the one secret, the current one last. */
type Versions = readonly Required<Pick<StoredSecret, 'value' | 'version' | 'currentSince'>>[]

function versionsIn(file: string): Versions {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Versions) : [] // as `addVersion` wrote them
}

/** Makes a new version current. */
export function addVersion(file: string, currentSince: number): void {
  const versions = versionsIn(file)
  const version = versions.length + 1
  write(file, [...versions, { value: valueOf(version), version, currentSince }])
}

/** Lets no version have a time ahead of the clock. */
export function endAhead(file: string): void {
  const now = Date.now()
  write(
    file,
    versionsIn(file).map((each) => ({ ...each, currentSince: Math.min(each.currentSince ?? now, now) })),
  )
}

function write(file: string, versions: Versions): void {
  writeFileSync(`${file}.new`, JSON.stringify(versions))
  renameSync(`${file}.new`, file)
}

export function valueOf(version: number): string {
  return `canary-of-version-${version}`
}

/** A store in a file, which all processes of a fleet read. */
export function versionsStore(file: string): SecretProvider {
  return {
    specificationVersion: 'v1',
    name: 'store',
    sharedAs: 'versions-file-canary',
    get: async () => upToNow(versionsIn(file).at(-1)),
    getVersion: async (_path, version) => {
      const versions = versionsIn(file)
      return version === 'previous' ? versions.at(-2) : versions.find((each) => each.version === version)
    },
    staging: stagingInMemory(),
  }
}

/** Versions have times ahead of the clock, so that marks are older. A grace must not wait for that. */
function upToNow(secret: Versions[number] | undefined): StoredSecret | undefined {
  return secret && { ...secret, currentSince: Math.min(secret.currentSince ?? 0, Date.now()) }
}

/** Of the one rotator. */
function stagingInMemory(): Staging {
  let pending: StagedSecret | undefined
  let attempt = 0
  return {
    put: async (_path, secret) => {
      pending = { ...secret, version: undefined, revision: `staged ${attempt}`, attempt: (attempt += 1) }
      return { revision: pending.revision, attempt }
    },
    get: async () => pending,
    promote: async () => Promise.reject(new SecretsError('UNSUPPORTED', 'it promotes nothing')),
    discard: async () => void (pending = undefined),
  }
}
