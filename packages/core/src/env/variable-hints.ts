import type { RemedyHints } from '../chain/fallback-policy.ts'

/** A provider, and the variables that it was made of. */
export interface MappedStore {
  readonly provider: string
  readonly asked: Iterable<string>
}

/** What remedies say to who has variables alone, and no code to change. */
export function hintsOf(stores: readonly MappedStore[]): RemedyHints {
  const names = stores.flatMap((store) => variableOf(store, 'NAMES') ?? [])
  const storeOf = (provider: string): Asked => stores.find((each) => each.provider === provider)
  return {
    missing: (name) =>
      names.length === 0
        ? undefined
        : `if it is kept under another path, map it in ${names.join(' or ')}: ${name}=path or ${name}=path#field`,
    denied: (provider) => {
      if (inOneFile.has(provider)) return undefined
      const store = storeOf(provider)
      const only = variableOf(store, 'ONLY_NAMED')
      return only && `${only}=true asks ${provider} for nothing but ${variableOf(store, 'NAMES')}`
    },
    own: (provider, remedy) => remedy && inVariables(remedy, storeOf(provider)),
  }
}

/** A denial is of the whole store, so that it makes no difference which names are asked for. */
const inOneFile: ReadonlySet<string> = new Set(['local', 'sops'])

type Asked = Pick<MappedStore, 'asked'> | undefined

/** A text with each option, such as `url` in backticks, as the variable that it is read from. */
export function inVariables(text: string, store: Asked): string {
  return text.replaceAll(/`(\w+)`/g, (quotation, option: string) => {
    const ending = option.replaceAll(/[A-Z]/g, '_$&').toUpperCase()
    return variableOf(store, ending) ?? quotation
  })
}

/** The shortest: `FINCHAT_AGE_IDENTITY_FILE` is not the variable of `file`. */
function variableOf(store: Asked, option: string): string | undefined {
  const ending = [...(store?.asked ?? [])].filter((variable) => variable.startsWith('FINCHAT_') && variable.endsWith(`_${option}`))
  return ending.toSorted((one, other) => one.length - other.length)[0]
}
