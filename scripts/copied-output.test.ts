import { expect, test } from 'vitest'
import { firstMissing, outputBlock } from './copied-output.ts'

test('the block of a README is its first one of text', () => {
  expect(outputBlock('```sh\nnpm start\n```\n\n```text\none\ntwo\n```\n\n```text\nthree\n```\n')).toBe('one\ntwo\n')
})

test.each([
  ['one\ntwo\n', 'one\n\n  two\n'],
  ['one\n…\nfour\n', 'one\ntwo\nthree\nfour\n'],
  ['one\n…\n', 'one\ntwo\n'],
  ['…\ntwo\n', 'one\ntwo\n'],
  ['1 s\n…\n9 s\nend\n', '1 s\n2 s\n3 s\nend\n'],
  ['5.6 s   1,104 queries   0 failed\n', '12 s   9 queries   0 failed\n'],
])('%j is found in %j', (block, printed) => {
  expect(firstMissing(block, printed)).toBeUndefined()
})

test.each([
  ['one\ntwo\n', 'one\n', 'two'],
  ['one\n', 'one\ntwo\n', 'two'],
  ['one\nthree\n', 'one\ntwo\nthree\n', 'three'],
  ['two\n…\none\n', 'one\ntwo\n', 'two'],
  ['9 queries   0 failed\n', '9 queries   1 failed\n', '# queries 0 failed'],
])('%j is not found in %j', (block, printed, line) => {
  expect(firstMissing(block, printed)).toBe(line)
})
