import { ownMemory } from './off-heap-bytes.ts'
import { type SecretFacts } from './secret-value.ts'
import type { StoredSecret } from '../contract/provider.ts'
import { soleField } from './json-field.ts'
import { cutFields, isWrittenText, placeInMap } from './nested-fields.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { SecretValue } from './secret-value.ts'
import type { Shredder } from './zeroizer.ts'

/** How the bytes are turned back into what the store answered. `latin1` is for ASCII text: it decodes fastest. */
type Encoding = 'latin1' | 'utf8' | 'utf16le' | 'binary'

/**
 * One version of one secret, whole, as bytes outside the V8 heap, where no heap snapshot shows them and zeros can be
 * written over them. It decodes on every read and refuses once wiped, so that no path answers with zeros.
 */
export class HeldSecret {
  readonly facts: SecretFacts
  /** The store keeps named fields, and `text()` is their JSON. */
  readonly isMap: boolean
  readonly #bytes: Buffer
  readonly #encoding: Encoding
  readonly #shredder: Shredder
  /** By the marks, of which there are four combinations; none is a hole, through which others' members would shine. */
  readonly #values: (SecretValue | undefined)[] = [undefined, undefined, undefined, undefined]
  #parts: Map<string, HeldSecret> | undefined
  #digest: Uint8Array | undefined
  #watched = false
  #released = false
  #wiped = false

  constructor(secret: Pick<StoredSecret, 'value' | 'shape'>, facts: SecretFacts, shredder: Shredder) {
    this.facts = facts
    this.isMap = secret.shape === 'map'
    this.#encoding = encodingOf(secret.value)
    this.#bytes = bytesOf(secret.value, this.#encoding)
    this.#shredder = shredder
  }

  get isBinary(): boolean {
    return this.#encoding === 'binary'
  }

  /** The value as text, exactly as stored. */
  text(): string {
    this.#assertReadable()
    if (this.#encoding !== 'binary') return this.#bytes.toString(this.#encoding)
    throw new SecretsError('INVALID_ARGUMENT', 'the secret is binary, not text', { remedy: 'read it with getSecretValue(…) and bytes()' })
  }

  /** A copy of the value's bytes; text is UTF-8, with U+FFFD for a lone surrogate. */
  bytes(): Uint8Array {
    this.#assertReadable()
    if (this.#encoding === 'utf16le') return new TextEncoder().encode(this.text())
    const copy = new Uint8Array(new ArrayBuffer(this.#bytes.length))
    copy.set(this.#bytes)
    return copy
  }

  /** What is found under these fields, one inside the other; without fields, a map's sole field. Made once each. */
  part(fields: readonly string[]): HeldSecret {
    if (fields.length === 0 && !this.isMap) return this
    const key = fields.map((field) => `${field.length}:${field}`).join('')
    const known = this.#parts?.get(key)
    if (known !== undefined) return known
    const part = new HeldSecret({ value: this.#cut(fields) }, this.facts, this.#shredder)
    // Nobody will release what is cut after the cache let go; the holders of the whole may still ask for it.
    if (this.#released) part.#watch()
    this.#parts ??= new Map()
    this.#parts.set(key, part)
    return part
  }

  /** The text of a part, of which nothing more is wanted: where the cache let go already, no part is kept for it. */
  textAt(fields: readonly string[]): string {
    if (this.#released && (fields.length > 0 || this.isMap)) return this.#cut(fields)
    return this.part(fields).text()
  }

  /** The JSON text that the secret is; of a map its own, unless it was written as one text that is JSON. */
  json(): string {
    const text = this.text()
    return this.isMap && isWrittenText(text) ? soleField(text) : text
  }

  /** The handle that readers get: always the same one for the same marks. */
  value(stale: boolean, degraded: boolean): SecretValue {
    const index = (stale ? 2 : 0) + (degraded ? 1 : 0)
    this.#watch()
    return (this.#values[index] ??= new SecretValue(this, stale, degraded))
  }

  /** A copy of the value's digest, which is computed once: a comparison may outlast the value. */
  digest(compute: (bytes: Uint8Array) => Uint8Array): Uint8Array {
    this.#assertReadable()
    // A lone surrogate has no UTF-8: the digest would be that of another text. Nothing equals such a value, as an empty one.
    this.#digest ??= compute(this.#encoding === 'utf16le' ? Buffer.alloc(0) : this.#bytes)
    return new Uint8Array(this.#digest)
  }

  /** Whether that is this version of this secret, with the same value. */
  equals({ value, shape, version, revision }: StoredSecret): boolean {
    if (this.facts.version !== version || this.facts.revision !== revision || this.isMap !== (shape === 'map')) return false
    if (typeof value !== 'string') return this.isBinary && Buffer.compare(this.#bytes, value) === 0
    return !this.isBinary && this.text() === value
  }

  /** The cache lets go: wiped now if nobody holds it as a `SecretValue`, else when the last holder is collected. */
  release(): void {
    this.#released = true
    for (const part of this.#parts?.values() ?? []) part.release()
    this.#parts = undefined
    if (this.#watched) return
    // Who was handed it in this turn of the event loop may take a `SecretValue` of it yet.
    this.#shredder.wipeSoon({ wipe: () => this.#watched || this.wipe() })
  }

  wipe(): void {
    this.#wiped = true
    this.#bytes.fill(0)
    this.#digest?.fill(0)
  }

  #cut(fields: readonly string[]): string {
    const text = this.text()
    if (fields.length === 0) return soleField(text)
    return cutFields(text, this.isMap ? placeInMap(text, fields) : fields)
  }

  #watch(): void {
    if (this.#watched) return
    this.#watched = true
    this.#shredder.watch(this, this.#bytes)
  }

  #assertReadable(): void {
    if (!this.#wiped) return
    throw new SecretsError('ABORTED', 'the secret was wiped from memory', {
      remedy: 'the secrets manager is closed; read secrets before close()',
    })
  }
}

function encodingOf(value: string | Uint8Array): Encoding {
  if (typeof value !== 'string') return 'binary'
  if (!value.isWellFormed()) return 'utf16le'
  return Buffer.byteLength(value) === value.length ? 'latin1' : 'utf8'
}

function bytesOf(value: string | Uint8Array, encoding: Encoding): Buffer {
  if (typeof value !== 'string') {
    const copy = ownMemory(value.byteLength)
    copy.set(value)
    value.fill(0)
    return copy
  }
  const held = ownMemory(Buffer.byteLength(value, encoding))
  held.write(value, encoding)
  return held
}
