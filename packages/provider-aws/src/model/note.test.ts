import { expect, test } from 'vitest'
import { hasNote, isNote, noteLabels, noteOf } from './note.ts'

test.each([[{}], [{ by: 'rotator-1', plan: 'monthly' }], [{ ü: '🔑"\\\n' }], [{ by: 'x'.repeat(1_013) }]])(
  'a note is read back from its labels: %j',
  (note) => {
    const labels = noteLabels(9_007_199_254_740_991, note)
    expect(Math.max(...labels.map((label) => label.length))).toBeLessThanOrEqual(256)
    expect(labels.length).toBeLessThanOrEqual(6)
    expect(labels.every((label) => /^[\w-]+$/.test(label) && isNote(label))).toBe(true)
    expect(noteOf(['AWSPENDING', ...labels.toReversed(), 'staged-1'])).toEqual(note)
  },
)

test('a note that misses a part, or is no note of ours, is none', () => {
  const labels = noteLabels(3, { by: 'x'.repeat(600) })
  for (const missing of labels) expect(noteOf(labels.filter((label) => label !== missing))).toBeUndefined()
  expect(noteOf(['note-3-1-1-bm90IGpzb24'])).toBeUndefined()
  expect(noteOf([`note-3-1-1-${Buffer.from('{"by":7}').toString('base64url')}`])).toBeUndefined()
  expect(noteOf(['v3', 'note'])).toBeUndefined()
})

test('labels are compared with the number and the note that they would have', () => {
  const labels = ['staged-3', ...noteLabels(3, { by: 'a' })]
  expect([hasNote(labels, 3, { by: 'a' }), hasNote(labels, 3, { by: 'b' }), hasNote(labels, 4, { by: 'a' })]).toEqual([true, false, false])
  expect([hasNote(labels, 3, undefined), hasNote(['staged-3'], 3, undefined), hasNote(['staged-3'], 3, {})]).toEqual([false, true, false])
})
