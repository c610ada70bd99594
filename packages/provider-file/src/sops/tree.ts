import { SecretsError } from '@finchat/secrets-core/provider'

/** A value, not decrypted yet or decrypted. */
export interface Leaf {
  readonly kind: 'leaf'
  /** Of a number, a boolean and null, its JSON text. */
  readonly value: string | Uint8Array
  readonly isText: boolean
  /** The MAC covers no value that is left in plain text in a file of `mac_only_encrypted`. */
  readonly isCovered: boolean
}

/** A map, in the order of the file. */
export interface Branch {
  readonly kind: 'map'
  readonly entries: readonly (readonly [key: string, node: Node])[]
}

/** A list. */
interface List {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export type Node = Leaf | Branch | List

/** Deeper documents are refused: readers of trees call themselves. */
const maxDepth = 32

export function leaf(value: string | Uint8Array, isText: boolean, isCovered = true): Leaf {
  return { kind: 'leaf', value, isText, isCovered }
}

/** Throws `INTEGRITY` for a map with a key twice: the later one could hide the authentic one. */
export function branch(entries: Branch['entries']): Branch {
  if (new Set(entries.map(([key]) => key)).size < entries.length) throw damaged('has a key twice')
  return { kind: 'map', entries }
}

export function assertDepth(depth: number): void {
  if (depth > maxDepth) throw damaged(`is nested more than ${maxDepth} deep`)
}

/** `how` never quotes the file. */
export function damaged(how: string, remedy = 'restore it, or edit it by sops alone'): SecretsError {
  return new SecretsError('INTEGRITY', `the SOPS file ${how}`, { remedy })
}

/** What a reader gets of an opened node: a text or bytes, or the JSON text of anything else. */
export function valueOf(node: Node): string | Uint8Array {
  if (node.kind !== 'leaf') return jsonOf(node)
  assertCovered(node)
  return node.value
}

function jsonOf(node: Node): string {
  if (node.kind === 'list') return `[${node.items.map(jsonOf).join(',')}]`
  if (node.kind === 'map') return `{${node.entries.map(([key, value]) => `${nameOf(key)}:${jsonOf(value)}`).join(',')}}`
  assertCovered(node)
  if (typeof node.value !== 'string') throw damaged('has bytes below a map, which JSON text cannot hold', 'put them at the top')
  return node.isText ? JSON.stringify(node.value) : node.value
}

function nameOf(key: string): string {
  assertNoColon(key)
  return JSON.stringify(key)
}

/** SOPS binds a value to its keys with colons between them. */
export function assertNoColon(key: string): void {
  if (key.includes(':')) throw damaged('has a key with a colon, which could stand for a map and its key', 'rename the key by sops')
}

function assertCovered({ isCovered }: Leaf): void {
  if (!isCovered) throw damaged('has this value outside its MAC', 'encrypt it, or write the file without mac_only_encrypted')
}

/** Go's text of a number, which is what SOPS authenticates: without an exponent, and no zeros behind. */
export function numberText(text: string): string {
  const integer = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined
  if (integer !== undefined && BigInt.asIntN(64, integer) === integer) return String(integer)
  return withoutExponent(Number(text))
}

function withoutExponent(value: number): string {
  if (!Number.isFinite(value)) throw damaged('has a number that JSON cannot hold')
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const sign = mantissa.startsWith('-') ? '-' : ''
  const shift = Number(exponent)
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`
  return shift === 0 ? mantissa : `${sign}${whole}${fraction.padEnd(shift, '0')}`
}
