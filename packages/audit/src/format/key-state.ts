import { canonicalLine } from '../record/canonical.ts'
import { type ChainKey, parsedKey } from './key-chain.ts'
import { keyTextBytes, ownMemory } from './key-text.ts'
import { isCount, parsedLine } from './segment-format.ts'

/** Where the folder's chain of keys stands. */
export interface KeyState {
  readonly folder: string
  /** The next step, which `key` is for. */
  readonly step: number
  readonly key: ChainKey
  /** The steps of segments whose end is not in the index yet. */
  readonly live: readonly number[]
  /** Steps whose opening was not finished, which the index does not say yet. */
  readonly unused: readonly number[]
}

const version = 2
/** In canonical JSON no text has this in it, since its quotes are escaped. */
const marker = Buffer.from('"key":"')
const blank = '-'

/** Canonical JSON, one line; the key is put in as bytes. To be overwritten by who asked. */
export function stateText({ key, ...state }: KeyState): Buffer {
  const line = canonicalLine({ ...state, key: blank.repeat(keyTextBytes), v: version })
  const text = ownMemory(Buffer.byteLength(line))
  text.write(line)
  const keyText = key.text()
  text.set(keyText, text.indexOf(marker) + marker.length)
  keyText.fill(0)
  return text
}

/**
 * The key is taken out before the rest becomes a string. `undefined`: this is no state of a folder.
 * `older`: an earlier version of this package wrote it.
 */
export function parsedState(text: Buffer): KeyState | 'older' | undefined {
  const at = text.indexOf(marker) + marker.length
  if (at < marker.length) return undefined
  const place = text.subarray(at, at + keyTextBytes)
  const key = keyIn(place)
  place.fill(blank)
  const { folder, step, live, unused, v } = parsedLine(text) ?? {}
  const isState = key !== undefined && typeof folder === 'string' && isCount(step) && areCounts(live) && areCounts(unused)
  if (isState && v === version) return { folder, step, key, live, unused }
  key?.wipe()
  return isState && v === 1 ? 'older' : undefined
}

function keyIn(text: Buffer): ChainKey | undefined {
  try {
    return parsedKey(text)
  } catch {
    return undefined
  }
}

function areCounts(values: unknown): values is number[] {
  return Array.isArray(values) && values.every(isCount)
}
