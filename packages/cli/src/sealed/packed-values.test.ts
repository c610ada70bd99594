import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prefixLength } from '@finchat/secrets-core/sealing'
import { messageOf, openMessage, packValues, unpackValues } from './packed-values.ts'

const text = fc.string({ unit: 'grapheme' })
const values = fc.dictionary(text, text, { noNullPrototype: true })
const read = (packed: Uint8Array): Record<string, string> =>
  Object.fromEntries([...unpackValues(packed)].map(([name, bytes]) => [name, bytes.toString()]))

describe('packed values', () => {
  it('are unpacked as they were, whatever they hold', () => {
    fc.assert(
      fc.property(values, (given) => {
        expect(read(packValues(given))).toEqual(given)
      }),
    )
  })

  it('are unpacked from bytes in the midst of others, as from a copy that a worker gets', () => {
    const packed = packValues({ TOKEN: 'value' })
    const around = Buffer.concat([Buffer.from('xxx'), packed, Buffer.from('yyy')]).subarray(3, 3 + packed.length)
    expect(read(around)).toEqual({ TOKEN: 'value' })
    expect(read(structuredClone(packed))).toEqual({ TOKEN: 'value' })
  })

  it('come with the NODE_OPTIONS of the child, or with none', () => {
    fc.assert(
      fc.property(fc.option(text, { nil: undefined }), values, (nodeOptions, given) => {
        const message = messageOf(nodeOptions, given)
        expect(message.readUInt32BE()).toBe(message.length - prefixLength)
        const opened = openMessage(message.subarray(prefixLength))
        expect([opened.nodeOptions, read(opened.values)]).toEqual([nodeOptions, given])
      }),
    )
  })
})
