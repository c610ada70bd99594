/** What a process of the fleet is to do. */
export interface Orders {
  readonly url: string
  /** Where the versions of the secret are. */
  readonly file: string
  readonly encryptionKey: string
  readonly actor: string
  /** It keeps the value that it has until it is told to take the current one. */
  readonly isPinned: boolean
}

/** The name of the secret. */
export const name = 'payments/database-canary'
