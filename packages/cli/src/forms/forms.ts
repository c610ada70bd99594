import { textOrBytes } from '@finchat/secrets-core/provider'
import { forgetInput } from './forget-input.ts'
import { hexOf, textForms } from './text-forms.ts'
import type { WrittenForm } from './written-form.ts'

/** What is looked for of a longer value: so many bytes are surely no accident. */
const mostSoughtBytes = 4_096

/** Shorter forms would be found by accident. */
export const leastBytes = 8

/** The forms of a value, or of its beginning, each once. Buffers, not texts: they can be overwritten. */
export function formsOf(value: Uint8Array, mostBytes: number = mostSoughtBytes): WrittenForm[] {
  const part = Buffer.from(value.subarray(0, mostBytes))
  const text = textOrBytes(part.subarray(0, lengthOfText(value, part.length)))
  const forms: WrittenForm[] = [
    { form: 'plain', bytes: part },
    ...(typeof text === 'string' ? textForms(text) : []),
    ...urlForms(part).map((bytes) => ({ form: 'url' as const, bytes })),
    ...base64Forms(part).map((bytes) => ({ form: 'base64' as const, bytes })),
    ...hexForms(part).map((bytes) => ({ form: 'hex' as const, bytes })),
    { form: 'bytes', bytes: Buffer.from(part.join(',')) }, // as JSON of a Buffer
  ]
  const isLongEnough = ({ bytes }: WrittenForm): boolean => bytes.length >= Math.min(value.length, leastBytes)
  forgetInput()
  return forms.filter((form, index) => isLongEnough(form) && forms.findIndex(({ bytes }) => bytes.equals(form.bytes)) === index)
}

/** Without the character that the end would cut. */
function lengthOfText(value: Uint8Array, end: number): number {
  const isInCharacter = (at: number): boolean => ((value[at] ?? 0) & 0xc0) === 0x80
  return [0, 1, 2, 3].map((count) => end - count).find((at) => !isInCharacter(at)) ?? end
}

function base64Forms(value: Buffer): Buffer[] {
  return [...unbrokenBase64(value), ...brokenBase64(value)].map((encoded) => Buffer.from(encoded))
}

/**
 * The characters that do not depend on what stands before and behind: three, as the value may begin
 * at any of three places of a group. In both alphabets.
 */
function unbrokenBase64(value: Buffer): string[] {
  const standard = [0, 2, 3].map((changed, before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), value]).toString('base64')
    return encoded.slice(changed, Math.floor(((before + value.length) * 8) / 6))
  })
  const inUrls = standard.map((encoded) => encoded.replaceAll('+', '-').replaceAll('/', '_'))
  return [...standard, ...inUrls]
}

/** In lines, as OpenSSL and PEM (64) and the program `base64` (76) write a value that stands alone. */
const base64Columns: readonly number[] = [64, 76]

function brokenBase64(value: Buffer): string[] {
  const encoded = value.toString('base64').slice(0, Math.floor((value.length * 8) / 6))
  const broken = base64Columns.map((columns) => encoded.replaceAll(new RegExp(`.{${columns}}(?=.)`, 'g'), '$&\n'))
  return broken.flatMap((lines) => [lines, lines.replaceAll('\n', '\r\n')])
}

/** So much of a `Buffer` is shown by `console.log`. */
const inspectedBytes = 50

function hexForms(value: Buffer): Buffer[] {
  const hex = value.toString('hex')
  const spaced = hex.replaceAll(/..(?=.)/g, '$& ')
  return [hex, hex.toUpperCase(), spaced, spaced.slice(0, 3 * inspectedBytes - 1)].map((text) => Buffer.from(text))
}

/** What encoders change. Forms of HTML write a space as `+`. */
const urlWays = Object.values({
  'RFC 3986, also PHP': { changed: /[^\w.~-]/g, space: '%20' },
  encodeURIComponent: { changed: /[^\w.~!'()*-]/g, space: '%20' },
  encodeURI: { changed: /[^\w.~!'()*;,/?:@&=+$#-]/g, space: '%20' },
  'the password of a URL': { changed: /[^\w.~!'()*,&+$%-]/g, space: '%20' },
  'the password of a URL in Go': { changed: /[^\w.~$&+,;=-]/g, space: '%20' },
  'PathEscape of Go': { changed: /[^\w.~$&+:=@-]/g, space: '%20' },
  'quote of Python': { changed: /[^\w.~/-]/g, space: '%20' },
  'quote_plus of Python, QueryEscape of Go': { changed: /[^\w.~-]/g, space: '+' },
  'URLSearchParams, URLEncoder of Java': { changed: /[^\w.*-]/g, space: '+' },
})

function urlForms(value: Buffer): Buffer[] {
  const text = value.toString('latin1')
  return urlWays.flatMap(({ changed, space }) =>
    [(hex: string) => hex.toUpperCase(), (hex: string) => hex].map((digits) => {
      const written = text.replaceAll(changed, (each) => (each === ' ' ? space : `%${digits(hexOf(each, 2))}`))
      return Buffer.from(written)
    }),
  )
}
