import { textOrBytes } from '@finchat/secrets-core/provider'

/** How a value may be written in a file. */
export type Form = 'plain' | 'base64' | 'hex' | 'url' | 'json'

export interface WrittenForm {
  readonly form: Form
  readonly bytes: Buffer
}

/** What is looked for of a longer value: so many bytes are surely no accident. */
const mostBytes = 4_096

/** The forms of a value, each once. Buffers, not texts: they can be overwritten. */
export function formsOf(value: Uint8Array): WrittenForm[] {
  const part = Buffer.from(value.subarray(0, mostBytes))
  const forms = [
    ...[part].map((bytes) => ({ form: 'plain' as const, bytes })),
    ...jsonForms(value).map((bytes) => ({ form: 'json' as const, bytes: bytes.subarray(0, mostBytes) })),
    ...urlForms(part).map((bytes) => ({ form: 'url' as const, bytes })),
    ...base64Forms(part).map((bytes) => ({ form: 'base64' as const, bytes })),
    ...hexForms(part).map((bytes) => ({ form: 'hex' as const, bytes })),
  ]
  return forms.filter(({ bytes }, index) => forms.findIndex((each) => each.bytes.equals(bytes)) === index)
}

function jsonForms(value: Uint8Array): Buffer[] {
  const text = textOrBytes(value)
  if (typeof text !== 'string') return []
  const json = inJson(text)
  return [json, asciiJson(text), inJson(json), withoutQuotes(json)].map((each) => Buffer.from(each))
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** As `console.log` shows a member of an object, and Python its `repr`: double quotes stay. */
function withoutQuotes(json: string): string {
  return json.replaceAll(String.raw`\"`, '"')
}

/** As Python writes it. */
function asciiJson(text: string): string {
  const unit = (each: string): string => (each > '~' ? `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}` : each)
  return inJson(text).split('').map(unit).join('')
}

/**
 * The characters that do not depend on what stands before and behind: three, as the value may begin
 * at any of three places of a group. In both alphabets.
 */
function base64Forms(value: Buffer): Buffer[] {
  const standard = [0, 2, 3].map((changed, before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), value]).toString('base64')
    return encoded.slice(changed, Math.floor(((before + value.length) * 8) / 6))
  })
  const inUrls = standard.map((encoded) => encoded.replaceAll('+', '-').replaceAll('/', '_'))
  return [...standard, ...inUrls].map((encoded) => Buffer.from(encoded))
}

function hexForms(value: Buffer): Buffer[] {
  const hex = value.toString('hex')
  return [hex, hex.toUpperCase()].map((text) => Buffer.from(text))
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** What encoders leave as it is: RFC 3986, `encodeURIComponent`, `encodeURI`, a password in a `URL`, forms of HTML. A form writes a space as `+`. */
const urlWays = [
  { kept: `${alphanumeric}-._~`, space: '%20' },
  { kept: `${alphanumeric}-._~!'()*`, space: '%20' },
  { kept: `${alphanumeric}-._~!'()*;,/?:@&=+$#`, space: '%20' },
  { kept: `${alphanumeric}-._~!'()*,&+$%`, space: '%20' },
  { kept: `${alphanumeric}-._*`, space: '+' },
]

function urlForms(value: Buffer): Buffer[] {
  return urlWays.flatMap(({ kept, space }) =>
    [(hex: string) => hex.toUpperCase(), (hex: string) => hex].map((digits) => {
      const characters = Array.from(value, (byte) => {
        const character = String.fromCharCode(byte)
        if (character === ' ') return space
        return kept.includes(character) ? character : `%${digits(byte.toString(16).padStart(2, '0'))}`
      })
      return Buffer.from(characters.join('')).subarray(0, mostBytes)
    }),
  )
}
