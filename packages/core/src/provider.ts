// For authors of providers and caches: what the core shares with them beside the contract, whose types the main entry has.
export { credentialFromEnv } from './env/credential-from-env.ts'
export { namesFromEnv, switchFromEnv } from './env/names-from-env.ts'
export { isStorePath, locator, type NamesOptions, type Target } from './chain/locator.ts'
export type { AccessFeature, AccessRight } from './contract/access-right.ts'
export type { OptionalMember, ProviderManifest, Provides } from './contract/provider.ts'
export { described, quoted } from './errors/format.ts'
export { nearest } from './errors/nearest.ts'
export { SecretsError, withDetails } from './errors/secrets-error.ts'
export { bounded, type Bounds, jittered, longestTimerMs, pause, throwIfAborted, untilAborted, whenClosed } from './guard/deadline.ts'
export { type Limiter, limiter } from './guard/limiter.ts'
export { LoadAwareClock } from './guard/load-aware-clock.ts'
export { OutageTracker, warnOperator } from './guard/outage-warning.ts'
export { PartTracker } from './guard/part-tracker.ts'
export { type ProviderCall, wrapProvider } from './guard/wrap-provider.ts'
export { loadBuiltin, loadCrypto } from './kit/builtins.ts'
export { ChangeListeners } from './kit/change-listeners.ts'
export { assertCredential, callSource, type Credential, readCredential, withoutLineEnd } from './kit/credential.ts'
export { type DotenvLine, dotenvLines, parseDotenv } from './kit/dotenv.ts'
export { hasCode, undefinedOn } from './kit/error-code.ts'
export { type FileFailure, fileFailure, systemCode } from './kit/file-failure.ts'
export { assertValue, assertVersionNumber, checkedTags, type TagRules } from './kit/input.ts'
export { isJsonObject } from './kit/json-object.ts'
export { knownLoadFailure, type LoadedOnUse, loadOnUse } from './kit/load-on-use.ts'
export { FolderChanges } from './kit/mounted/folder-changes.ts'
export {
  askMountedFile,
  type FileQuestion,
  type Identified,
  identify,
  isMountedName,
  mountedRoot,
  readIdentified,
} from './kit/mounted/mounted-file.ts'
export { checkedNote } from './kit/note.ts'
export { matchesReceipt } from './kit/receipt.ts'
export { maxSecretFileBytes, readSecretFile, textOrBytes, unlessMissing, withSecretFile } from './kit/secret-file.ts'
export { assertAuthorities, assertClientCertificate, type ClientCertificate, leastTlsVersion } from './kit/tls.ts'
export { isUpcoming } from './kit/upcoming.ts'
export { isVisibleAscii } from './kit/credential.ts'
export { assertWholeNumber, isWholeNumber } from './kit/whole-number.ts'
export { assertWithin, configurationError, invalidArgument } from './options/check-option.ts'
export { knownOptions, type MemberKind, type MembersOf } from './options/known-options.ts'
export { jsonMembers } from './value/json-members.ts'
export { jsonTextAt } from './value/json-text.ts'
export { copyOutsideHeap, ownMemory } from './value/off-heap-bytes.ts'
