import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Piece, PieceIndex } from './piece-index.ts'

/** Few letters, so that pieces begin alike, overlap and are cut. */
const text = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom('a', 'b', '\0', '\u00ff'), { minLength, maxLength }).map((letters) => letters.join(''))

function indexOf(pieces: readonly Piece[]): PieceIndex {
  const index = new PieceIndex()
  for (const piece of pieces) index.add(piece)
  return index
}

it('finds each piece where a search of the whole finds it, and those that the end cuts', () => {
  fc.assert(
    fc.property(fc.array(text(4, 9), { maxLength: 6 }), text(0, 40), (texts, content) => {
      const found: string[] = []
      const index = indexOf(texts.map((each) => ({ name: each, bytes: Buffer.from(each, 'latin1') })))
      index.search(Buffer.from(content, 'latin1'), (at, { name }) => found.push(`${at} ${name}`))
      const places = Array.from(content, (_, at) => at)
      const begins = (at: number, piece: string): boolean => piece.startsWith(content.slice(at, at + piece.length))
      const whole = places.slice(0, Math.max(0, content.length - 3))
      const expected = whole.flatMap((at) => [...new Set(texts)].filter((each) => begins(at, each)).map((each) => `${at} ${each}`))
      expect(found.toSorted()).toEqual(expected.toSorted())
      const undecided = places.find((at) => at >= content.length - 3 && texts.some((each) => begins(at, each)))
      expect(index.beginningAtEnd(Buffer.from(content, 'latin1'))).toBe(undecided ?? content.length)
    }),
    { numRuns: 500 },
  )
})

it('calls in the order of places', () => {
  const at: number[] = []
  const index = indexOf([{ name: 'A', bytes: Buffer.from('aaaa') }])
  index.search(Buffer.from('aaaaaa'), (place) => at.push(place))
  expect(at).toEqual([0, 1, 2])
})

it('finds a piece that was added twice once, and one of two names under both', () => {
  const bytes = Buffer.from('piece')
  const found: string[] = []
  const index = indexOf(['A', 'A', 'B'].map((name) => ({ name, bytes: Buffer.from(bytes) })))
  index.search(Buffer.from('a piece'), (at, { name }) => found.push(`${at} ${name}`))
  expect(found).toEqual(['2 A', '2 B'])
})

it('takes no byte for granted behind the end', () => {
  const found: number[] = []
  const index = indexOf([{ name: 'A', bytes: Buffer.from('abc\0') }])
  index.search(Buffer.from('abc'), (at) => found.push(at))
  expect([found, index.beginningAtEnd(Buffer.from('abc'))]).toEqual([[], 0])
})
