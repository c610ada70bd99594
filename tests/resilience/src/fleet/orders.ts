import type { ServerKind } from './servers.ts'

/** What a process of the fleet is to do. */
export interface Orders {
  readonly kind: ServerKind
  readonly url: string
  readonly storePort: number
  readonly names: readonly string[]
  readonly encryptionKey: string
  /**
   * The server grants fill leases, through the user's client; otherwise the processes elect a
   * holder.
   */
  readonly hasClient: boolean
  /** All names by one `getSecretValues`; else each by a `getSecret`, all at once. */
  readonly byBatch: boolean
}

/** What it says when it has read every secret. */
export interface Report {
  /** Secrets that were not what the store holds. */
  readonly wrong: number
  readonly failed: number
}

export function valueOf(name: string): string {
  return `the value of ${name}`
}
