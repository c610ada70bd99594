import type { SecretsManager, SecretValue } from '@finchat/secrets-core'
import type { SecretWatch } from '@finchat/secrets-core/live'
import { loadOnUse, pause } from '@finchat/secrets-core/provider'

/** Secrets that rotate together change within this time. */
const settleMs = 1_000
/** The least time between two reactions. */
const restMs = 5_000
/** How long until a reaction that did not succeed, or a secret that cannot be read, is tried again. */
const retryMs = 30_000

export interface FollowOptions {
  /** Who follows, for the audit trail. */
  readonly actor: string | undefined
  readonly signal: AbortSignal
  readonly intervalSeconds: number | undefined
  /** What the command has of a secret; without a value, none. */
  readonly given: (name: string) => Uint8Array | undefined
}

/** Calls `react` after secrets differ from what was given, until the signal; again later if it returns false. */
export async function followRotation(
  secrets: SecretsManager,
  names: Iterable<string>,
  { actor, signal, intervalSeconds, given }: FollowOptions,
  react: () => Promise<boolean>,
): Promise<void> {
  const live = { what: 'the watch for rotations', name: '@finchat/secrets-core' }
  const { watchSecret } = await loadOnUse(live, () => import('@finchat/secrets-core/live'), 'watchSecret')
  if (signal.aborted) return
  let change = Promise.withResolvers<void>()
  const changed = (): void => change.resolve()
  for (const name of new Set(names)) {
    const watch = (): SecretWatch => watchSecret(secrets, name, { signal, intervalSeconds, first: true })
    const isReadable = async (): Promise<boolean> => secrets.getSecretValue(name, { fresh: true, actor, signal }).then(Boolean, () => false)
    const seen = (value: SecretValue, isFirst: boolean): void => {
      if (!isFirst || !isSame(value, given(name))) change.resolve()
    }
    void follow(watch, isReadable, signal, { seen, changed })
  }
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  for (;;) {
    await Promise.race([change.promise, ended])
    await pause(settleMs, signal)
    if (signal.aborted) return
    change = Promise.withResolvers<void>()
    const isDone = await react()
    await pause(isDone ? restMs : retryMs, signal)
    if (!isDone) change.resolve()
  }
}

interface Heard {
  /** A value of the watch: the first is a change if the command has another one. */
  readonly seen: (value: SecretValue, isFirst: boolean) => void
  readonly changed: () => void
}

/** A watch ends if the store denies the secret or does not have it: it begins anew when the secret can be read again. */
async function follow(
  watch: () => SecretWatch,
  isReadable: () => Promise<boolean>,
  signal: AbortSignal,
  { seen, changed }: Heard,
): Promise<void> {
  while (!(await hasWatched(watch(), seen))) {
    changed()
    do await pause(retryMs, signal)
    while (!signal.aborted && !(await isReadable()))
    changed()
  }
}

/** Returns false if the secret was lost, and true if the signal or the manager ended the watch. */
async function hasWatched(watch: SecretWatch, seen: Heard['seen']): Promise<boolean> {
  try {
    for (let isFirst = true; ; isFirst = false) {
      const { done, value } = await watch.next()
      if (done) return true
      seen(value, isFirst)
    }
  } catch {
    return false
  }
}

function isSame(value: SecretValue, given: Uint8Array | undefined): boolean {
  try {
    return given !== undefined && Buffer.compare(value.bytes(), given) === 0
  } catch {
    return false // it has several fields now
  }
}
