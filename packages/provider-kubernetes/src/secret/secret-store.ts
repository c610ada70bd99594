import type { CallBounds } from '@finchat/secrets-core/http'
import type { KubeApi } from '../api/kube-api.ts'
import type { SecretsPath } from '../api/secrets-path.ts'
import type { SecretWatches } from './watches.ts'

/** What the calls of one provider use. */
export interface SecretStore {
  readonly api: KubeApi
  readonly paths: SecretsPath
  /** What ends each request of a list. */
  readonly limits: Pick<CallBounds, 'timeoutMs' | 'closing'>
  /** Told of each version that this process reads or writes; undefined if there is none. */
  readonly watches: Pick<SecretWatches, 'saw' | 'wrote'>
}
