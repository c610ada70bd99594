import { type ManagerParts, partsOf } from '../manager/parts.ts'
import type { SecretsManager } from '../manager/secrets-manager.ts'
import type { SecretValue } from '../value/secret-value.ts'
import { hubOf } from './live-hub.ts'
import { LoginScope } from './logins/login-scope.ts'
import { isSameVersion } from './known/same-secret.ts'
import { blamesIn, heldSince } from './logins/held-logins.ts'
import { processUsageOf } from '../usage/process-usage.ts'
import { assertMarkable } from '../usage/usage-places.ts'
import { defaultBudgetMs, isPlain, isRefusal, type KnownUseOptions, knownUseOptions, type UseOptions } from './logins/use-options.ts'

/**
 * Runs the function with the current value. When the far side refuses that credential, it reads
 * past the cache and runs the function again. It tries the fresh value, then the staged one, then
 * the previous one, until `budgetMs` after the first refusal. The last error is the far side's own.
 *
 * It repeats the whole function: give it the login, not the work. A thousand refusals make one
 * fresh read, and one caller alone tries again while nothing works; the others wait for it.
 *
 * @example
 * import { createSecretsManager, envProvider } from '@finchat/secrets-core'
 * import { useSecret } from '@finchat/secrets-core/live'
 *
 * const secrets = createSecretsManager({ providers: [envProvider({ env: { DB_PASSWORD: 'hunter2' } })] })
 * const connect = async (password: string) => `connected with ${password.length} characters` // pool.connect() of your client
 * const isAuthError = (error: unknown) => error instanceof Error && 'code' in error && error.code === '28P01'
 * console.log(await useSecret(secrets, 'DB_PASSWORD', (value) => connect(value.reveal()), { isAuthError })) // connected with 7 characters
 * await secrets.close()
 */
export async function useSecret<T>(
  secrets: SecretsManager,
  name: string,
  run: (value: SecretValue) => Promise<T> | T,
  options: UseOptions,
): Promise<T> {
  const parts = partsOf(secrets)
  const checked = isPlain(options) ? undefined : knownUseOptions(options)
  const known = hubOf(parts).known(name)
  const scope = known?.state.givesPasswords ? new LoginScope(parts, name, checked?.budgetMs ?? defaultBudgetMs) : undefined
  const marked = checked === undefined ? run : markedLogin(parts, name, run, checked)
  const login: Login<T> = scope === undefined ? marked : (value) => scope.run(() => marked(value))
  const held = known?.state.isWatched && !known.state.isWithdrawn ? known.state.usable : undefined
  const value = held ?? (await readNow(parts, name))
  try {
    const result = await login(value)
    // Others may be held until this one has succeeded.
    if (scope?.given !== undefined) hubOf(parts).known(name)?.candidates.worked(scope.given)
    return result
  } catch (error) {
    if (heldSince(error) === undefined && !isRefusal(options.isAuthError, error)) throw error
    return await tryOthers(parts, name, { run: login, scope }, knownUseOptions(options), { error, value })
  } finally {
    scope?.end()
  }
}

/** Tells the fleet of each value before it is used, if the caller wants that. */
function markedLogin<T>(parts: ManagerParts, name: string, run: Login<T>, { usageMarks = false, actor }: UseOptions): Login<T> {
  if (!usageMarks) return run
  assertMarkable(parts, name)
  const usage = processUsageOf(parts)
  return (value) => usage.during(usage.logins(name).during(value, actor, run))
}

/** What works may be another one than the current one, until that changes. */
async function readNow(parts: ManagerParts, name: string): Promise<SecretValue> {
  const value = await parts.reader.getSecretValue(name)
  const state = hubOf(parts).known(name)?.state
  if (state === undefined) return value
  // What a watch follows is for the watch to change, so that all who listen hear of it.
  if (!state.isWatched) state.adopt(value)
  return state.latest !== undefined && isSameVersion(state.latest, value) ? (state.usable ?? value) : value
}

type Login<T> = (value: SecretValue) => Promise<T> | T

interface ScopedLogin<T> {
  readonly scope: LoginScope | undefined
  readonly run: Login<T>
}

interface Refusal {
  readonly error: unknown
  readonly value: SecretValue
}

async function tryOthers<T>(
  parts: ManagerParts,
  name: string,
  { scope, run }: ScopedLogin<T>,
  options: KnownUseOptions,
  first: Refusal,
): Promise<T> {
  const hub = hubOf(parts)
  const { state, trials } = hub.live(name)
  if (state.latest === undefined) state.adopt(first.value)
  const until = (heldSince(first.error) ?? performance.now()) + options.budgetMs
  if (scope !== undefined) scope.until = until
  let { error } = first
  const blamedFor = blamesIn(state)
  const usedFor = (failure: unknown): SecretValue | undefined => options.usedIn?.(failure) ?? blamedFor(failure) ?? scope?.given
  let used = (heldSince(error) === undefined ? usedFor(error) : scope?.given) ?? first.value
  const trial = trials.enter(options.candidates, until)
  try {
    for (;;) {
      const value = await trial.next(used)
      if (value === undefined) throw error
      try {
        const result = await run(value)
        trial.worked(scope?.given ?? value)
        return result
      } catch (failure) {
        used = value
        if (heldSince(failure) !== undefined) continue
        if (!isRefusal(options.isAuthError, failure)) throw failure
        error = failure
        used = usedFor(failure) ?? value
      }
    }
  } finally {
    trial.leave()
    hub.forget(name)
  }
}
