import { expect, test } from 'vitest'
import { lowestOf, newestIn, versionIn } from './range-versions.ts'

test.each([
  ['^1.2.3', '1.2.3'],
  ['^0.10.2 || ^0.11.0', '0.10.2'],
])('the lowest of %s is %s', (range, version) => {
  expect(lowestOf(range)).toBe(version)
})

test('the newest is compared by number, and is no candidate', () => {
  expect(newestIn(['3.9.0', '3.1164.0', '3.11.0', '4.0.0-rc.1'])).toBe('3.1164.0')
  expect(newestIn(['4.0.0-rc.1'])).toBeUndefined()
})

test.each([
  [{ a: '6.1.0', a5: 'npm:a@5.6.0' }, '5.5.0', { a5: 'npm:a@5.5.0' }],
  [{ a: '6.1.0', a5: 'npm:a@5.6.0' }, '6.2.0', { a: '6.2.0' }],
  [{ a: 'catalog:' }, '5.0.0', { a: '5.0.0' }],
  [{ b: '1.0.0' }, '5.0.0', {}],
])('%j takes version %s as %j', (section, version, entry) => {
  expect(versionIn(section, 'a', version)).toEqual(entry)
})
