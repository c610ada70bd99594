import { describe, test } from 'vitest'
import { memoryHarness } from './memory-harness.ts'
import { memoryManifest } from './memory-provider.ts'
import { testSecretProvider } from './test-secret-provider.ts'

describe('the memory provider keeps the contract', () => {
  testSecretProvider({ test, manifest: memoryManifest, createHarness: memoryHarness })
})
