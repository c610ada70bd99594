export { faults, faultyProvider, type CountedCall, type Fault, type FaultPlan, type FaultyProvider } from './fakes/faulty-provider.ts'
export { memoryManifest, memoryProvider, type MemoryProvider, type MemoryProviderOptions } from './fakes/memory-provider.ts'
export type { MemorySecret, MemorySecretDetails } from './fakes/memory-store.ts'
export { memoryAuditTrail, type AuditFault, type MemoryAuditTrail, type MemoryAuditTrailOptions } from './fakes/memory-audit-trail.ts'
export {
  memorySharedCache,
  type MemorySharedCache,
  type MemorySharedCacheOptions,
  type SharedCacheCall,
  type SharedCacheFault,
} from './fakes/memory-shared-cache.ts'
export { leaksOf } from './leaks/leaks.ts'
export { managerOperations, type ManagerOperation, type ManagerOperations } from './manager-operations.ts'
export { matchedTexts } from './leaks/matched-texts.ts'
export { hostilePaths } from './leaks/hostile-paths.ts'
export type { Breakage, FailureMode, ProviderHarness, Repair, ProviderSuiteOptions, TestFunction } from './suites/provider/harness.ts'
export { testAuditSink, type AuditSinkHarness, type AuditSinkSuiteOptions } from './suites/test-audit-sink.ts'
export { testSecretProvider } from './suites/test-secret-provider.ts'
export { testAuditTrail, type AuditTrailHarness, type AuditTrailSuiteOptions } from './suites/test-audit-trail.ts'
export type { SecretCacheHarness } from './suites/cache-trial.ts'
export { testSecretCache, type SecretCacheSuiteOptions } from './suites/test-secret-cache.ts'
