import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { SecretValue } from '@finchat/secrets-core'

/** A provider that could not be asked. */
interface Unasked {
  readonly provider: string
  readonly code: string
}

/** The first provider that could not be asked for a secret, by the secret's name in the chain. */
export type Fallbacks = ReadonlyMap<string, Unasked>

/** On which core tells of every fallback: see "Tracing" in docs/reading.md. */
const channel = 'finchat.secrets.fallback'

/** Runs `work` with the fallbacks that happen meanwhile. */
export async function withFallbacks<T>(work: (fallbacks: Fallbacks) => Promise<T>): Promise<T> {
  const fallbacks = new Map<string, Unasked>()
  const onFallback = (message: unknown): void => {
    const { name, provider, code } = message as Unasked & { readonly name: string } // as core documents it
    if (!fallbacks.has(name)) fallbacks.set(name, { provider, code })
  }
  subscribe(channel, onFallback)
  try {
    return await work(fallbacks)
  } finally {
    unsubscribe(channel, onFallback)
  }
}

/** Why the value of `name` may be outdated; `undefined` if its first provider gave it. */
export function doubtOf(
  name: string,
  { degraded, stale, provider }: Pick<SecretValue, 'degraded' | 'stale' | 'provider'>,
  fallbacks: Fallbacks,
): string | undefined {
  if (!degraded && !stale) return undefined
  const unasked = fallbacks.get(name)
  const which = unasked === undefined ? `${stale ? `'${provider}'` : 'an earlier provider'} could not be asked` : unaskedText(unasked)
  return stale ? `${which}; this value may be outdated` : `${which}; this value is from '${provider}'`
}

function unaskedText({ provider, code }: Unasked): string {
  return `'${provider}' could not be asked (${code})`
}
