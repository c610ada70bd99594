import type { ProviderManifest } from '@finchat/secrets-core/provider'
import { canHoldPath } from './paths.ts'

/** A Secret has at most 1 MiB of data (`MaxSecretSize` of the API). */
export const limits = {
  dataBytes: 1_048_576,
  tags: 64,
  tagKeyCharacters: 63,
  tagValueBytes: 2_048,
} as const

/**
 * The limits and operations of the Kubernetes provider, for the conformance suite and the
 * documentation.
 *
 * @example
 * import { kubernetesManifest } from '@finchat/secrets-provider-kubernetes'
 *
 * console.log(kubernetesManifest.values.maxBytes, kubernetesManifest.canHoldPath('DB_PASSWORD')) // 1048576 false
 */
export const kubernetesManifest: ProviderManifest = {
  supports: ['describe', 'list', 'put', 'tag', 'delete', 'probe', 'changes', 'checkHealth'],
  values: { minBytes: 0, maxBytes: limits.dataBytes, binary: false },
  canHoldPath,
}
