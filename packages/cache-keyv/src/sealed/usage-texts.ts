import type { UsageMark, UsagePath } from '@finchat/secrets-core'
import { deriveSealKey, type Field, openSealKey, seal, sealKeyLength, unseal } from '@finchat/secrets-core/sealing'
import { authenticated } from './entry.ts'
import { hash, type NameOptions } from './key-names.ts'
import type { KeyRing } from './key-ring.ts'

/** A mark, and when it was excused, if it was. */
export interface RosterMark extends UsageMark {
  readonly excusedAt?: number | undefined
}

/** Who uses one path. A new roster follows each change; none is altered. */
export interface Roster {
  /** When its chain began. */
  readonly begunAt: number
  readonly marks: readonly RosterMark[]
}

/** A roster, and the id of the one that it was made from. */
export interface KeptRoster extends Roster {
  readonly after: string
}

/** Where a text is kept: it opens nowhere else. */
export interface TextPlace extends UsagePath {
  readonly namespace: string
  readonly kind: 'usage head' | 'usage hint' | 'usage roster' | 'usage life'
  readonly fields: readonly Field[]
}

/** What stands in the place of a roster: the roster, or what is left of a superseded one. */
export interface Link {
  readonly text: string
  /** Of the roster: no other one has it. */
  readonly id: string
  /** Of a superseded one, the ids of those before and after it. */
  readonly superseded?: { readonly after: string; readonly next: string } | undefined
}

/** Hides how many marks there are. */
const paddedTo = 1024

/** Seals JSON, padded, under a key of its own. */
export function sealUsage({ seals }: KeyRing, place: TextPlace, content: unknown): string {
  const json = JSON.stringify(content)
  const length = Buffer.byteLength(json)
  const plain = Buffer.alloc(Math.ceil(length / paddedTo) * paddedTo, ' ')
  plain.write(json)
  const { key, header } = deriveSealKey(seals.entries)
  return Buffer.concat([header, seal(key, contextOf(place), plain)]).toString('base64url')
}

/** `undefined` for a text that was not sealed for this place. */
export function openUsage({ opens }: KeyRing, place: TextPlace, sealed: string | undefined): unknown {
  if (sealed === undefined) return undefined
  const bytes = Buffer.from(sealed, 'base64url')
  for (const { entries } of opens) {
    const key = openSealKey(entries, bytes.subarray(0, sealKeyLength))
    const plain = key && unseal(key, contextOf(place), bytes.subarray(sealKeyLength))
    if (plain !== undefined) return JSON.parse(plain.toString()) // sealed with our key
  }
  return undefined
}

/** In clear: ids are hashes of sealed texts. */
export function supersededText(after: string, id: string, next: string): string {
  return `superseded ${after} ${id} ${next}`
}

export function linkOf(text: string, options: NameOptions): Link {
  const [word, after, id, next] = text.split(' ')
  if (word !== 'superseded' || after === undefined || id === undefined || next === undefined)
    return { text, id: hash(options, ['usage roster text', text]) }
  return { text, id, superseded: { after, next } }
}

function contextOf({ namespace, sharedAs, path, kind, fields }: TextPlace): Buffer {
  return authenticated(kind, { namespace, sharedAs, path, version: undefined }, ...fields)
}
