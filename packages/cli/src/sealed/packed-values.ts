import { type Field, lengthPrefixed, prefixLength } from '@finchat/secrets-core/sealing'

/** Values by the name of their variable. */
export type Values = Readonly<Record<string, string>>

const absent = 0xffff_ffff

/** Values as bytes, which a snapshot of the V8 heap does not hold. */
export function packValues(values: Values): Buffer {
  return lengthPrefixed(Object.entries(values).flat())
}

/** The bytes of each value, by its name. */
export function unpackValues(packed: Uint8Array): Map<string, Buffer> {
  const fields = fieldsOf(packed)
  const names = fields.filter((_, index) => index % 2 === 0)
  return new Map(names.map((name, index) => [String(name), fields[2 * index + 1] ?? Buffer.alloc(0)]))
}

/** What the wrapper sends: its length, the child's own `NODE_OPTIONS`, and the values. */
export function messageOf(nodeOptions: string | undefined, values: Values): Buffer {
  const fields: Field[] = [nodeOptions, packValues(values)]
  return lengthPrefixed([lengthPrefixed(fields)])
}

export interface Message {
  readonly nodeOptions: string | undefined
  readonly values: Buffer
}

/** The message behind its length. */
export function openMessage(body: Buffer): Message {
  const [nodeOptions, values = Buffer.alloc(0)] = fieldsOf(body)
  return { nodeOptions: nodeOptions?.toString(), values }
}

function fieldsOf(packed: Uint8Array): (Buffer | undefined)[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const fields: (Buffer | undefined)[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    at += prefixLength
    fields.push(length === absent ? undefined : bytes.subarray(at, at + length))
    at += length === absent ? 0 : length
  }
  return fields
}
