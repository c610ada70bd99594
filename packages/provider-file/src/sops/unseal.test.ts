import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { sealText } from '../testing/seal-sops.ts'
import { failure } from '../testing/temporary-files.ts'
import type { SopsFile } from './metadata.ts'
import { type Branch, branch, leaf } from './tree.ts'
import { unseal } from './unseal.ts'

const lastModified = '2026-11-28T08:00:00Z'
const bytes = randomBytes(32)
const key = createSecretKey(bytes)

/** A file with these entries whose MAC is that of this text. */
function fileOf(entries: Branch['entries'], proven: string, isMacOnlyEncrypted = false): SopsFile {
  const digest = createHash('sha512').update(proven).digest('hex').toUpperCase()
  return { entries, metadata: { mac: sealText(digest, 'str', lastModified, bytes), lastModified, isMacOnlyEncrypted, ageKeys: [] } }
}

const plain: Branch['entries'] = [
  ['text', leaf('a', true)],
  ['number', leaf('1.5', false)],
  ['list', { kind: 'list', items: [leaf('true', false), leaf('false', false), leaf('null', false)] }],
  ['word', leaf('true', true)],
]

it('the MAC is of plain values as sops writes them: True, False, and nothing for null', () => {
  expect(unseal(fileOf(plain, 'a1.5TrueFalsetrue'), key)).toEqual(plain)
})

it.each(['a1.5TrueFalse', 'a1.5truefalsetrue', 'a1.5TrueFalsenulltrue', ''])('the MAC of other values is refused: %j', async (proven) => {
  expect(await failure(() => unseal(fileOf(plain, proven), key))).toMatchObject({
    code: 'INTEGRITY',
    problem: 'the SOPS file has values that its MAC does not prove',
  })
})

it('a value below a map and a list is bound to its keys, of which a list adds none', () => {
  const value = sealText('hunter2', 'str', 'db:hosts:', bytes)
  const tree = (text: string): Branch['entries'] => [['db', branch([['hosts', { kind: 'list', items: [leaf(text, true)] }]])]]
  expect(unseal(fileOf(tree(value), 'hunter2'), key)).toEqual(tree('hunter2'))
})

it('a MAC in plain text is no MAC', async () => {
  const { entries, metadata } = fileOf(plain, 'a1.5TrueFalsetrue')
  const mac = createHash('sha512').update('a1.5TrueFalsetrue').digest('hex').toUpperCase()
  expect((await failure(() => unseal({ entries, metadata: { ...metadata, mac } }, key))).problem).toBe('the SOPS file has no sealed MAC')
})
