import type { Row } from './item.ts'

/** What the next step depends on. */
export interface Standing {
  /** `env`, `dotenv:FILE`, a file, or a provider. */
  readonly from: string
  readonly to: string
  readonly rows: readonly Row[]
  /** The command up to `--apply`, such as `migrate --from env --to vault`. */
  readonly command: string
  readonly chain: readonly string[]
  /** Moved secrets that are still plain text at the source, such as variables. */
  readonly leftovers: readonly string[]
  /** Moved names that the configuration does not declare: `run` does not give them. */
  readonly undeclared: readonly string[]
}

/** The next steps in the phases of a migration, one clause each. */
export function nextSteps(standing: Standing): string[] {
  const has = (...states: readonly Row['state'][]): boolean => standing.rows.some(({ state }) => states.includes(state))
  const command = `finchat-secrets ${standing.command} --apply`
  if (has('new')) return [`write what is new: ${command}`, ...(has('different') ? [`with what differs: ${command} --force`] : [])]
  if (has('different')) return [`see which value is right; to overwrite what differs: ${command} --force`]
  if (has('cannot be mapped')) return ['solve what cannot be mapped, and run it again']
  return standing.rows.length === 0 ? [] : phaseAfter(standing)
}

/** Everything is at the target. */
function phaseAfter({ from, to, chain, leftovers, undeclared }: Standing): string[] {
  const isFallback = !isPlain(from)
  if (isFallback ? !chain.includes(to) : chain[0] !== to)
    return [letRead(isFallback ? withFallback(chain, to) : [to, ...without(to, chain)])]
  if (leftovers.length > 0) return [...declaration(undeclared), ...removal(from, to, leftovers)]
  if (!chain.includes('local'))
    return [
      'for an outage of the store, keep an encrypted copy: set "local" in the configuration, and its key',
      `then copy: finchat-secrets migrate --from ${to} --to local --apply`,
    ]
  if (to === 'local' && chain[0] !== to)
    return [`after each rotation, copy anew: finchat-secrets migrate --from ${from} --to local --apply --force`]
  return [`every secret is at ${to}: see it by finchat-secrets check`]
}

function declaration(undeclared: readonly string[]): string[] {
  return undeclared.length === 0
    ? []
    : [`declare under "secrets", or else keep where they are, what run does not give yet: ${undeclared.join(', ')}`]
}

function removal(from: string, to: string, leftovers: readonly string[]): string[] {
  return [
    `see that the store suffices: finchat-secrets check --provider ${to}`,
    `then remove from ${from === 'env' ? 'the environment' : 'the file'}: ${leftovers.join(', ')}`,
    'rotate them: copies of the old values may be in process lists, crash reports and logs',
  ]
}

/** Before the variables, which are the last resort. */
function withFallback(chain: readonly string[], to: string): readonly string[] {
  return [...without('env', chain), to, ...(chain.includes('env') ? ['env'] : [])]
}

function without(name: string, chain: readonly string[]): readonly string[] {
  return chain.filter((each) => each !== name)
}

function letRead(chain: readonly string[]): string {
  const [first, ...fallbacks] = chain
  const file = `"provider": "${first}", "fallbacks": ${JSON.stringify(fallbacks)}`
  return `let the application read it: ${file} in the configuration, or FINCHAT_SECRETS_PROVIDER=${first} FINCHAT_SECRETS_FALLBACKS=${fallbacks.join(',')}`
}

/** Whether the source keeps values in plain text: variables, or a file. */
export function isPlain(from: string): boolean {
  return from === 'env' || from.includes(':')
}
