import type { SecretsErrorCode } from '@finchat/secrets-core'
import type { ActionName } from './model/sdk.ts'

/** What was asked of whom, for the words of an error. */
export interface Asked {
  readonly action: ActionName
  /** The name or ARN that it was about; absent where it is about none. */
  readonly path?: string | undefined
  readonly region: string
}

export interface Row {
  /** The names that AWS or the SDK gives the error, or Node.js's code of it. */
  readonly names: readonly string[]
  /** The row holds only if the message has these words; for what AWS tells apart by its message alone. */
  readonly says?: RegExp
  /** The row holds only for this action. */
  readonly on?: ActionName
  readonly when?: (asked: Asked) => boolean
  readonly code: SecretsErrorCode
  readonly problem: string | ((asked: Asked) => string)
  readonly remedy?: string
  /** Nobody knows what became of a write; of all others it is known that it was refused, or never sent. */
  readonly isOpen?: true
}
