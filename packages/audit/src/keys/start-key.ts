import { ownMemory } from '@finchat/secrets-core/provider'
import { type ChainKey, folderIdOf, parsedKey } from './key-chain.ts'
import { keyTextBytes } from './key-text.ts'

/** The key of an epoch: it verifies all that follows, and nothing before. */
export interface StartKey {
  readonly key: ChainKey
  readonly step: number
  readonly folder: string
}

const prefix = 'audit-key-from:'
const digitsAt = 'audit-key:'.length
/** `audit-key-from:`, the epoch, the folder's id, and the digits of the key. */
const derivedForm = /^audit-key-from:(\d{1,16}):([0-9a-f-]{36}):$/

/** Copies the text. Throws `CONFIGURATION` for anything but a first or a derived key. */
export function parsedStartKey(text: unknown): StartKey {
  const derived = derivedParts(text)
  const key = parsedKey(derived?.keyText ?? text)
  derived?.keyText.fill(0)
  return derived === undefined ? { key, step: 0, folder: folderIdOf(key) } : { key, step: derived.step, folder: derived.folder }
}

/** Text for the auditor, as bytes that can be overwritten. */
export function startKeyText({ key, step, folder }: StartKey): Buffer {
  const keyText = key.text()
  const start = Buffer.from(`${prefix}${step}:${folder}:`)
  const text = ownMemory(start.length + keyTextBytes - digitsAt)
  text.set(start)
  text.set(keyText.subarray(digitsAt), start.length)
  keyText.fill(0)
  return text
}

interface DerivedParts {
  readonly step: number
  readonly folder: string
  /** The key in the form of a first one. */
  readonly keyText: Buffer
}

function derivedParts(text: unknown): DerivedParts | undefined {
  if (typeof text !== 'string' && !(text instanceof Uint8Array)) return undefined
  const bytes = ownMemory(text.length)
  if (typeof text === 'string') bytes.write(text, 'latin1')
  else bytes.set(text)
  try {
    const end = bytes.lastIndexOf(':') + 1
    const [, step, folder] = derivedForm.exec(bytes.toString('latin1', 0, end)) ?? []
    if (step === undefined || folder === undefined) return undefined
    const keyText = ownMemory(digitsAt + bytes.length - end)
    keyText.write('audit-key:')
    keyText.set(bytes.subarray(end), digitsAt)
    return { step: Number(step), folder, keyText }
  } finally {
    bytes.fill(0)
  }
}
