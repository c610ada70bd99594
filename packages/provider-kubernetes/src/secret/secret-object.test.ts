import { expect, test, vi } from 'vitest'
import { base64, failure } from '../testing/kube-harness.ts'
import { descriptionOf, metadataOf, objectOf, secretOf } from './secret-object.ts'

const metadata = { name: 'db', resourceVersion: '7' }
const secret = { kind: 'Secret', metadata, data: { password: base64('hunter2') } }
const refused = (read: () => unknown): Promise<unknown> => failure(new Promise((resolve) => resolve(read())))
const isNoSecret = { code: 'INTERNAL', problem: 'the answer is no Secret of Kubernetes' }

test.each([
  ['without a name', { ...metadata, name: undefined }],
  ['without a version', { ...metadata, resourceVersion: undefined }],
  ['with a version that is no text', { ...metadata, resourceVersion: 7 }],
  ['with an empty version', { ...metadata, resourceVersion: '' }],
  ['with annotations that are no map', { ...metadata, annotations: ['a'] }],
  ['that has no metadata', undefined],
])('an answer %s is no Secret', async (_what, changed) => {
  expect(await refused(() => metadataOf({ ...secret, metadata: changed }))).toMatchObject(isNoSecret)
})

test.each([
  ['of another kind', { kind: 'ConfigMap' }],
  ['whose data is a list', { data: ['aHVudGVyMg=='] }],
  ['whose data is a text', { data: 'aHVudGVyMg==' }],
  ['with a field that is no text', { data: { password: 7 } }],
])('an answer %s is no Secret', async (_what, changed) => {
  expect(await refused(() => objectOf({ ...secret, ...changed }))).toMatchObject(isNoSecret)
})

test('no version was current before the object was created, if that is known', () => {
  const created = (creationTimestamp: unknown): unknown[] => {
    const answer = { ...secret, metadata: { ...metadata, creationTimestamp } }
    return [secretOf(objectOf(answer)), descriptionOf(metadataOf(answer))]
  }
  const currentNotBefore = Date.parse('2026-11-28T08:00:00Z')
  const identity = { revision: '7', currentNotBefore }
  expect(created('2026-11-28T08:00:00Z')).toMatchObject([identity, identity])
  for (const unknown of [undefined, null, currentNotBefore, 'yesterday'])
    for (const read of created(unknown)) expect(read).not.toHaveProperty('currentNotBefore')
})

test('the decoded bytes of a text are overwritten', () => {
  const from = vi.spyOn(Buffer, 'from')
  const { value } = secretOf(objectOf(secret))
  const made = from.mock.results.map((result) => result.value as Buffer) // each returns a buffer
  from.mockRestore()
  expect([value, made.length]).toEqual(['{"password":"hunter2"}', 1])
  for (const bytes of made) expect(bytes).toEqual(Buffer.alloc(7))
})
