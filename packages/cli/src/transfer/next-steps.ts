import type { Row } from './item.ts'

/** What the next step depends on. */
export interface Standing {
  /** `env`, `dotenv:FILE`, a file, or a provider. */
  readonly from: string
  readonly to: string
  readonly rows: readonly Row[]
  readonly isApplied: boolean
  /** The command up to its flags, such as `migrate --from env --to vault`. */
  readonly command: string
  readonly chain: readonly string[]
  /** Moved secrets that are still plain text at the source, such as variables. */
  readonly leftovers: readonly string[]
}

/** The next steps in the phases of a migration, one clause each. */
export function nextSteps(standing: Standing): string[] {
  const has = (...states: readonly Row['state'][]): boolean => standing.rows.some(({ state }) => states.includes(state))
  const command = `finchat-secrets ${standing.command} --apply`
  if (has('new')) return [`write what is new: ${command}`, ...(has('different') ? [`with what differs: ${command} --force`] : [])]
  if (has('different')) return [`see which value is right; to overwrite what differs: ${command} --force`]
  if (has('cannot be mapped')) return ['solve what cannot be mapped, and run it again']
  return phaseAfter(standing)
}

/** Everything is at the target. */
function phaseAfter({ from, to, chain, leftovers }: Standing): string[] {
  const isStore = !isPlain(from)
  if (!chain.includes(to)) return [placeInChain(to, isStore ? [...chain, to] : [to, ...chain.filter((name) => name !== to)])]
  if (!isStore && chain[0] !== to) return [placeInChain(to, [to, ...chain.filter((name) => name !== to)])]
  if (leftovers.length > 0)
    return [
      `see that the store suffices: finchat-secrets check --provider ${to}`,
      `then remove from ${from === 'env' ? 'the environment' : 'the file'}: ${leftovers.join(', ')}`,
      'rotate them: copies of the old values may be in process lists, crash reports and logs',
    ]
  if (!chain.includes('local'))
    return [
      'for an outage of the store, keep an encrypted copy: set "local" in the configuration, and its key',
      `then copy: finchat-secrets migrate --from ${to} --to local --apply`,
    ]
  if (to === 'local' && chain[0] !== 'local')
    return [`after each rotation, copy anew: finchat-secrets migrate --from ${from} --to local --apply --force`]
  return [`every secret is at ${to}: see it by finchat-secrets check`]
}

function placeInChain(to: string, chain: readonly string[]): string {
  const [first = to, ...fallbacks] = chain
  const file = `"provider": "${first}", "fallbacks": ${JSON.stringify(fallbacks)}`
  return `let the application read it: ${file} in the configuration, or FINCHAT_SECRETS_PROVIDER=${first} FINCHAT_SECRETS_FALLBACKS=${fallbacks.join(',')}`
}

/** Whether the source keeps values in plain text: variables, or a file. */
export function isPlain(from: string): boolean {
  return from === 'env' || from.includes(':')
}
