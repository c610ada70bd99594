import type { AsyncLocalStorage } from 'node:async_hooks'
import type { ManagerParts } from '../../manager/parts.ts'
import type { SecretValue } from '../../value/secret-value.ts'

/** One call of `useSecret`, for the password functions that its logins call. */
export class LoginScope {
  readonly #parts: ManagerParts
  readonly #name: string
  #isOver = false
  /** What a password function gave to the login that runs, or ran last. */
  given: SecretValue | undefined
  /** When the caller gives up, on the clock of `performance.now()`; known from the first refusal. */
  until: number | undefined
  readonly #budgetMs: number

  constructor(parts: ManagerParts, name: string, budgetMs: number) {
    this.#parts = parts
    this.#name = name
    this.#budgetMs = budgetMs
  }

  /** When a login that is held since then has to end. */
  endOf(heldSince: number): number {
    return this.until ?? heldSince + this.#budgetMs
  }

  run<T>(login: () => T): T {
    this.given = undefined
    return scopes().run(this, login)
  }

  isOf(parts: ManagerParts, name: string): boolean {
    return !this.#isOver && this.#parts === parts && this.#name === name
  }

  /** Connections of a pool live longer, and connect again in the same context. */
  end(): void {
    this.#isOver = true
    this.given = undefined
  }
}

/** The call of `useSecret` for this secret that waits for the caller. */
export function scopeOf(parts: ManagerParts, name: string): LoginScope | undefined {
  const scope = scopes().getStore()
  return scope?.isOf(parts, name) ? scope : undefined
}

let storage: AsyncLocalStorage<LoginScope> | undefined

/** Looked up at the first call, as every module of Node.js. */
function scopes(): AsyncLocalStorage<LoginScope> {
  return (storage ??= new (process.getBuiltinModule('node:async_hooks').AsyncLocalStorage)<LoginScope>())
}
