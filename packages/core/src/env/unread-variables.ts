import type { Environment } from './env-provider.ts'
import { quoted } from '../errors/format.ts'

/** Which variables were read, and for which providers. */
export interface VariablesRead {
  readonly env: Environment
  /** Every variable that was read. */
  readonly asked: ReadonlySet<string>
  /** Names of our own providers, of those available, and of those that were chosen. */
  readonly ours: ReadonlySet<string>
  readonly available: { readonly has: (name: string) => boolean }
  readonly chosen: ReadonlySet<string>
}

/**
 * Warns of variables that look like settings and are not read. Shows only names: a value may be a
 * secret.
 */
export function warnOfUnread({ env, asked, ours, available, chosen }: VariablesRead): void {
  const set = Object.keys(env).filter((name) => Boolean(env[name]))
  for (const group of ['secrets', ...[...ours].filter((name) => chosen.has(name))]) {
    const known = [...asked].filter((name) => isOf(group, name))
    const unknown = set.filter((name) => isOf(group, name) && !asked.has(name))
    // A provider that reads none of its variables is an application's own.
    if (known.length > 0 && unknown.length > 0) warn(`${listed(unknown)} not known: use ${known.join(', ')}`)
  }
  for (const group of [...ours].filter((name) => available.has(name) && !chosen.has(name))) {
    const unused = set.filter((name) => isOf(group, name))
    const remedy = `name it in FINCHAT_SECRETS_PROVIDER or FINCHAT_SECRETS_FALLBACKS`
    if (unused.length > 0) warn(`${listed(unused)} set, but ${group} is asked nothing: ${remedy}`)
  }
}

function isOf(group: string, variable: string): boolean {
  return variable.startsWith(`FINCHAT_${group.toUpperCase()}_`) || (group === 'local' && variable.startsWith('FINCHAT_ENCRYPTION_'))
}

function listed(variables: readonly string[]): string {
  return `${variables.map(quoted).join(', ')} ${variables.length === 1 ? 'is' : 'are'}`
}

function warn(text: string): void {
  process.emitWarning(text, { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_VARIABLES' })
}
