import { describe, expect, test } from 'vitest'
import { SecretsPath } from '../api/secrets-path.ts'
import { context, failure } from '../testing/kube-harness.ts'
import { secretReads } from './read.ts'
import { SecretWatches } from './watches.ts'
import { secretWrites } from './write.ts'

/** Reads and writes of a server, or of what stands before it, that answers each request with this. */
function answering(...answers: readonly object[]) {
  const closing = new AbortController().signal
  const rest = [...answers]
  const ask = async (): Promise<Readonly<Record<string, unknown>>> => ({ ...(rest.length > 1 ? rest.shift() : rest[0]) })
  const [api, paths] = [{ ask, tell: async () => {} }, new SecretsPath('default')]
  const store = { api, paths, limits: { timeoutMs: 1_000, closing }, watches: new SecretWatches({ api, paths, closing }) }
  return { ...secretReads(store), ...secretWrites(store) }
}

const secret = { kind: 'Secret', metadata: { name: 'db', resourceVersion: '7' }, data: { value: '' } }

describe('a success that is not of this request', () => {
  test.each([
    ['nothing', {}],
    ['a status', { kind: 'Status', status: 'Success' }],
    ['no version', { kind: 'Secret', metadata: { name: 'db' } }],
  ])('leaves it open whether a write was done: %s', async (_, answer) => {
    const writes = [
      answering(secret, answer).put('db', { value: 'one' }, context),
      answering(answer).tag('db', { team: 'pay' }, context),
      answering(answer).delete('db', { purge: false }, context),
    ]
    for (const write of writes) expect(await failure(write)).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  })

  test.each([
    ['nothing', {}],
    ['a list', { kind: 'SecretList', items: [] }],
    ['a login page in JSON', { login: '/oauth' }],
  ])('is no purge: %s', async (_, answer) => {
    const error = await failure(answering(answer).delete('db', { purge: true }, context))
    expect(error).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  })

  test.each([[{ kind: 'Status', status: 'Success' }], [secret], [{ ...secret, kind: 'PartialObjectMetadata' }]])(
    'is a purge: %j',
    async (answer) => {
      expect(await answering(answer).delete('db', { purge: true }, context)).toEqual({})
    },
  )

  test.each([
    ['nothing', {}],
    ['a secret', secret],
    ['a status', { kind: 'Status', status: 'Success' }],
  ])('is no empty list: %s', async (_, answer) => {
    const first = answering(answer).list('', context)[Symbol.asyncIterator]().next()
    expect(await failure(first)).toMatchObject({ code: 'INTERNAL' })
  })

  test('is not the secret of another name', async () => {
    const other = { ...secret, metadata: { ...secret.metadata, name: 'other' } }
    const reads = answering(other)
    for (const read of [reads.get('db', context), reads.describe('db', context), reads.probe('db', context)])
      expect(await failure(read)).toMatchObject({ code: 'INTERNAL' })
  })
})
