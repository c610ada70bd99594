import type { SecretAlias } from '@finchat/secrets-core'
import { nearest } from '@finchat/secrets-core/provider'
import type { DeclaredSecret } from './config.ts'

type Declarations = Readonly<Record<string, DeclaredSecret>>

/** What the manager makes of declared names: a secret of the chain, a field of it, or its JSON text. */
export function aliasesOf(declared: Declarations = {}): Readonly<Record<string, SecretAlias>> {
  return Object.fromEntries(
    Object.entries(declared).map(([key, { name = key, field, type }]) => [key, { name, field, json: type === 'json' }]),
  )
}

/** Names in the chain that are read whole, as their JSON text where a declaration says so. */
export function jsonNames(declared: Declarations = {}): Readonly<Record<string, SecretAlias>> {
  const whole = Object.entries(declared).filter(([, { field, type }]) => field === undefined && type === 'json')
  return Object.fromEntries(whole.map(([key, { name = key }]) => [name, { name, json: true }]))
}

/** For each secret of the chain one name that leads to it, whole where there is such a name. */
export function namesToFollow(declared: Declarations): readonly string[] {
  const isWhole = (name: string): boolean => {
    const { name: target = name, field } = Object.hasOwn(declared, name) ? (declared[name] ?? {}) : {}
    return target === name && field === undefined
  }
  return [...new Set(Object.entries(declared).map(([key, { name = key }]) => (isWhole(name) ? name : key)))]
}

/** Whether a name is declared, or is one of the chain that a declaration leads to. */
export function isDeclared(name: string, declared: Declarations): boolean {
  return Object.hasOwn(declared, name) || Object.values(declared).some((each) => each.name === name)
}

/** Of shorter names, every other one is near. */
const leastLetters = 4

/** The declared name that an undeclared one means, if one is near, or differs in case alone. */
export function meantName(name: string, declared: Declarations = {}): string | undefined {
  if (isDeclared(name, declared)) return undefined
  const names = Object.keys(declared)
  const inOtherCase = names.find((each) => each.toUpperCase() === name.toUpperCase())
  return inOtherCase ?? (name.length < leastLetters ? undefined : nearest(name, names))
}

/** The line of the configuration that declares a secret, or one field of it, under a name that a variable can have. */
export function declarationOf(name: string, field: string | undefined): string {
  const key = [name, ...(field === undefined ? [] : [field])]
    .join('_')
    .replaceAll(/\W+/g, '_')
    .replace(/^(?=\d)/, '_')
  if (field === undefined && key === name) return `"${name}": {}`
  return `"${key.toUpperCase()}": ${spaced({ name, field })}`
}

function spaced(members: object): string {
  return JSON.stringify(members).replace('{', '{ ').replaceAll('":', '": ').replaceAll(',"', ', "').replace(/\}$/, ' }')
}

/** The remedy for an unknown word: the known one that is a letter or two from it, or else `remedy`. */
export function meantOr(word: string, known: readonly string[], remedy: string): string {
  const meant = nearest(word, known)
  return meant === undefined ? remedy : `did you mean ${meant}?`
}
