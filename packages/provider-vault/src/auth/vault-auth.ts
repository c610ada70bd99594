import type { VaultAnswer } from '../http/answer.ts'

/** A way to get a token. Made by `appRole(…)`, `kubernetes(…)` and the like. */
export interface VaultAuth {
  /** Its name in errors and events. */
  readonly method: string
  /** Reads the credentials anew, and says what they are good for. Sends nothing that could use them up twice. */
  readonly prepare: (context: AuthContext) => Promise<Login>
}

export interface AuthContext {
  readonly signal: AbortSignal
  /** Sends a request without the token that is held; again only where the server did nothing. */
  readonly post: (path: string, body: Readonly<Record<string, unknown>>, token?: string) => Promise<VaultAnswer>
}

/** A request that logs in, or a token that needs no login. */
export type Login =
  | {
      readonly path: string
      readonly body: Readonly<Record<string, unknown>>
      /** Tells this credential from another, where the body is another one each time. */
      readonly credential?: string | undefined
    }
  | { readonly token: string; readonly expiresAt?: number | undefined; readonly isOnlyOne?: boolean | undefined }
