import { subscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

/** Texts that no error may have: of a harness, and of headers that this process sent. */
const known = new Set<string>()

/** Shorter ones are words, such as `token`. */
const leastLength = 8

/** No error may contain this text from now on. */
export function keepSecret(credential: string): void {
  if (credential.length >= leastLength) known.add(credential)
}

let isListening = false

/** Learns credentials from the requests of `fetch` and of `node:http`. */
export function learnCredentials(): void {
  if (isListening) return
  isListening = true
  subscribe('undici:request:create', (message) => learn(pairsOf(headersOf(message, 'headers'))))
  subscribe('http.client.request.start', (message) => learn(Object.entries(Object(headersOf(message, 'getHeaders')))))
}

/** The member of a message's request; its result if it is a method. */
function headersOf(message: unknown, key: string): unknown {
  const request: unknown = Reflect.get(Object(message), 'request')
  const member: unknown = Reflect.get(Object(request), key)
  return typeof member === 'function' ? Reflect.apply(member, request, []) : member
}

/** undici lists names and values in turn. */
function pairsOf(headers: unknown): readonly (readonly [string, unknown])[] {
  const flat = Array.isArray(headers) ? headers.map(String) : []
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]] as const] : []))
}

function learn(headers: readonly (readonly [name: string, value: unknown])[]): void {
  for (const [name, value] of headers) {
    if (!/authorization|cookie|token$|secret|api-?key|password/i.test(name)) continue
    keepSecret(String(value).split(/\s/).at(-1) ?? '')
  }
}

const shapes: readonly RegExp[] = [
  /\b(bearer|basic)\s+(?=\S*\d)[\w.~+/=-]{6,}/i,
  /:\/\/[^/\s:@]+:[^/\s@]+@/,
  /(token|password|api[-_]?key|authorization)["']?\s*[:=]\s*["']?(?=\S*\d)[^\s"']{6,}/i,
  /\bhvs\.\w|\bAKIA[A-Z0-9]{12}|\beyJ[\w-]{10,}\.|-----BEGIN /,
]

/** Whether an error has a known credential anywhere, or the shape of one in its message. */
export function hasCredential(error: Error): boolean {
  const whole = inspect(error, { showHidden: true, depth: 6 })
  return [...known].some((credential) => whole.includes(credential)) || shapes.some((shape) => shape.test(error.message))
}
