import type { Environment } from './env-provider.ts'
import { quoted } from '../errors/format.ts'

export interface VariablesRead {
  readonly env: Environment
  readonly asked: ReadonlySet<string>
  readonly ours: ReadonlySet<string>
  readonly available: { readonly has: (name: string) => boolean }
  readonly chosen: ReadonlySet<string>
}

/** Warns of variables that look like settings and are not read. Shows names only. */
export function warnOfUnread({ env, asked, ours, available, chosen }: VariablesRead): void {
  const set = Object.keys(env).filter((name) => Boolean(env[name]))
  for (const group of ['secrets', ...[...ours].filter((name) => chosen.has(name))]) {
    const known = [...asked].filter((name) => isOf(group, name))
    const unknown = set.filter((name) => isOf(group, name) && !asked.has(name))
    // An application's own provider reads none of these variables.
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
