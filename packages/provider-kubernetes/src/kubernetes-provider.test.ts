import { testSecretProvider } from '@finchat/secrets-testkit'
import { describe, test } from 'vitest'
import { kubernetesManifest } from './shared/manifest.ts'
import { kubeHarness } from './testing/kube-harness.ts'

describe('the Kubernetes provider keeps the contract', () => {
  testSecretProvider({ test, manifest: kubernetesManifest, createHarness: kubeHarness })
})
