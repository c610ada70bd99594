import { ownMemory } from './off-heap-bytes.ts'
import { type SecretMetadata } from './secret-value.ts'
import type { StoredSecret } from '../contract/provider.ts'
import { soleField } from './json-field.ts'
import { cutFields, isLoneText, isWrittenText, fieldsInMap } from './nested-fields.ts'
import { SecretsError } from '../errors/secrets-error.ts'
import { SecretValue } from './secret-value.ts'
import { isWholeJson, wholeJson } from './whole-json.ts'
import type { Zeroizer } from './zeroizer.ts'

/** `latin1` is for ASCII text: it decodes fastest. */
type Encoding = 'latin1' | 'utf8' | 'utf16le' | 'binary'

/**
 * One version of a secret as bytes outside the V8 heap, where no heap snapshot shows them. Every
 * read decodes them and throws once they are wiped, so that no read returns zeros.
 */
export class SecretBytes {
  readonly metadata: SecretMetadata
  readonly isMap: boolean
  readonly #bytes: Buffer
  readonly #encoding: Encoding
  readonly #zeroizer: Zeroizer
  /** By `stale` and `degraded`. Not sparse: a hole would be looked up on the prototype. */
  readonly #values: (SecretValue | undefined)[] = [undefined, undefined, undefined, undefined]
  #parts: Map<string, SecretBytes> | undefined
  #digest: Uint8Array | undefined
  #watched = false
  #released = false
  #wiped = false

  constructor(secret: Pick<StoredSecret, 'value' | 'shape'>, metadata: SecretMetadata, zeroizer: Zeroizer) {
    this.metadata = metadata
    this.isMap = secret.shape === 'map'
    this.#encoding = encodingOf(secret.value)
    this.#bytes = bytesOf(secret.value, this.#encoding)
    this.#zeroizer = zeroizer
  }

  get isBinary(): boolean {
    return this.#encoding === 'binary'
  }

  text(): string {
    this.#assertReadable()
    if (this.#encoding !== 'binary') return this.#bytes.toString(this.#encoding)
    throw new SecretsError('INVALID_ARGUMENT', 'the secret is binary, not text', { remedy: 'read it with getSecretValue(…) and bytes()' })
  }

  /** A copy; text is UTF-8, with U+FFFD for a lone surrogate. */
  bytes(): Uint8Array {
    this.#assertReadable()
    if (this.#encoding === 'utf16le') return new TextEncoder().encode(this.text())
    const copy = new Uint8Array(new ArrayBuffer(this.#bytes.length))
    copy.set(this.#bytes)
    return copy
  }

  /** The part under these nested fields; without fields, a map's sole field. See `wholeJson`. */
  part(fields: readonly string[]): SecretBytes {
    if (!this.isMap && (fields.length === 0 || isWholeJson(fields))) return this
    const key = partKey(fields)
    const known = this.#parts?.get(key)
    if (known !== undefined) return known
    const part = new SecretBytes({ value: this.#cut(fields) }, this.metadata, this.#zeroizer)
    // The cache released this secret and will not release the part, so the finalizer must.
    if (this.#released) part.#watch()
    this.#parts ??= new Map()
    this.#parts.set(key, part)
    return part
  }

  textAt(fields: readonly string[]): string {
    if (this.#released && (fields.length > 0 || this.isMap)) return this.#cut(fields)
    return this.part(fields).text()
  }

  /** A map written as one JSON text gives that text. */
  json(): string {
    const text = this.text()
    return this.isMap && isWrittenText(text) ? soleField(text) : text
  }

  value(stale: boolean, degraded: boolean): SecretValue {
    const index = (stale ? 2 : 0) + (degraded ? 1 : 0)
    this.#watch()
    return (this.#values[index] ??= new SecretValue(this, stale, degraded))
  }

  /** A copy, since a comparison may outlast the value. */
  digest(compute: (bytes: Uint8Array) => Uint8Array): Uint8Array {
    this.#assertReadable()
    // A lone surrogate has no UTF-8, so the digest would be another text's. The empty digest
    // matches nothing.
    this.#digest ??= compute(this.#encoding === 'utf16le' ? Buffer.alloc(0) : this.#bytes)
    return new Uint8Array(this.#digest)
  }

  /** Not remembered. */
  digestWith(compute: (bytes: Uint8Array) => Uint8Array): Uint8Array {
    this.#assertReadable()
    return compute(this.#bytes)
  }

  /** By part that was cut so far; of the whole under `whole`. */
  digests(compute: (bytes: Uint8Array) => Uint8Array): Map<string, Uint8Array> {
    const parts = new Map<string, SecretBytes>(this.#parts).set(whole, this)
    if (!this.isMap) for (const fields of [[], wholeJson]) parts.set(partKey(fields), this)
    return new Map([...parts].map(([key, part]) => [key, part.digestWith(compute)]))
  }

  equals({ value, shape, version, revision }: StoredSecret): boolean {
    if (this.metadata.version !== version || this.metadata.revision !== revision || this.isMap !== (shape === 'map')) return false
    if (typeof value !== 'string') return this.isBinary && Buffer.compare(this.#bytes, value) === 0
    return !this.isBinary && this.text() === value
  }

  /** Wipes soon, or once the last `SecretValue` is collected. */
  release(): void {
    this.#released = true
    for (const part of this.#parts?.values() ?? []) part.release()
    this.#parts = undefined
    if (this.#watched) return
    // A reader in this turn of the event loop may still take a `SecretValue`.
    this.#zeroizer.wipeSoon({ wipe: () => this.#watched || this.wipe() })
  }

  wipe(): void {
    this.#wiped = true
    this.#bytes.fill(0)
    this.#digest?.fill(0)
  }

  #cut(fields: readonly string[]): string {
    const text = this.text()
    if (fields.length === 0) return soleField(text)
    if (isWholeJson(fields)) return this.isMap && isLoneText(text) ? soleField(text) : text
    return cutFields(text, this.isMap ? fieldsInMap(text, fields) : fields)
  }

  #watch(): void {
    if (this.#watched) return
    this.#watched = true
    this.#zeroizer.watch(this, this.#bytes)
  }

  #assertReadable(): void {
    if (!this.#wiped) return
    throw new SecretsError('ABORTED', 'the secret was wiped from memory', {
      remedy: 'the secrets manager is closed; read secrets before close()',
    })
  }
}

/** The key of the whole secret among its parts: no fields have it. */
export const whole = '*'

export function partKey(fields: readonly string[]): string {
  return fields.map((field) => `${field.length}:${field}`).join('')
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
