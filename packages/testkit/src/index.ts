export { faults, faultyProvider, type CountedCall, type Fault, type FaultPlan, type FaultyProvider } from './faulty-provider.ts'
export { memoryManifest, memoryProvider, type MemoryProvider, type MemoryProviderOptions } from './memory-provider.ts'
export type { MemorySecret, MemorySecretDetails } from './memory-store.ts'
export { memoryAuditTrail, type AuditFault, type MemoryAuditTrail, type MemoryAuditTrailOptions } from './memory-audit-trail.ts'
export {
  memorySharedCache,
  type MemorySharedCache,
  type MemorySharedCacheOptions,
  type SharedCacheCall,
  type SharedCacheFault,
} from './memory-shared-cache.ts'
export { leaksOf } from './leaks.ts'
export { managerOperations, type ManagerOperation, type ManagerOperations } from './manager-operations.ts'
export { matchedTexts } from './matched-texts.ts'
export { hostilePaths } from './hostile-paths.ts'
export type { Breakage, Mend, Mishap, ProviderHarness, ProviderSuiteOptions, TestFunction } from './provider-harness.ts'
export { testAuditSink, type AuditSinkHarness, type AuditSinkSuiteOptions } from './test-audit-sink.ts'
export { testSecretProvider } from './test-secret-provider.ts'
export { testAuditTrail, type AuditTrailHarness, type AuditTrailSuiteOptions } from './test-audit-trail.ts'
export { testSecretCache, type SecretCacheHarness, type SecretCacheSuiteOptions } from './test-secret-cache.ts'
