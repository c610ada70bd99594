import { isMountedName, isStorePath, maxSecretFileBytes, type ProviderManifest } from '@finchat/secrets-core/provider'

/** The most bytes in an encrypted file, which may hold many secrets. */
export const maxEncryptedBytes = 1_048_576

/** The longest name of a file on the usual file systems, in bytes. */
const longestFileName = 255

/** `binary`: bytes that are valid UTF-8 come back as text, since a file does not tell them apart. */
const values = { minBytes: 0, maxBytes: maxSecretFileBytes, binary: false }

/** Whether a folder can hold this secret: a relative path in one spelling, which never leaves it. */
function isFilePath(path: string, suffix = ''): boolean {
  if (!isStorePath(path) || !isMountedName(path)) return false
  return `${path}${suffix}`.split('/').every((name) => Buffer.byteLength(name) <= longestFileName)
}

/** What `mountedSecrets` supports: current values in text and bytes, read only. */
export const mountedManifest: ProviderManifest = {
  supports: ['getMany', 'list', 'probe', 'changes', 'checkHealth'],
  values,
  canHoldPath: (path) => isFilePath(path),
}

/** What `ageFiles` supports: current values in text and bytes, read only. */
export const ageFilesManifest: ProviderManifest = {
  supports: ['list', 'probe', 'changes', 'checkHealth'],
  values,
  canHoldPath: (path) => isFilePath(path, ageSuffix),
}

/** The end of the name of each file that `ageFiles` reads. */
export const ageSuffix = '.age'

/** What `ageDocument` supports: current values, read only. */
export const documentManifest: ProviderManifest = {
  supports: ['getMany', 'list', 'probe', 'changes', 'checkHealth'],
  values,
  canHoldPath: isStorePath,
}

/**
 * What `sopsDocument` supports: as `documentManifest`, without colons in a path. SOPS binds a value to
 * its keys joined by colons, so that a key with one could stand for a map.
 */
export const sopsManifest: ProviderManifest = {
  ...documentManifest,
  canHoldPath: (path) => isStorePath(path) && !path.includes(':'),
}
