import type { SecretAlias } from '@finchat/secrets-core'
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
