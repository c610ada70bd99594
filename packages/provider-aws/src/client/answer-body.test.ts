import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { serverThat } from '@finchat/secrets-test-servers/vitest'
import { expect, onTestFinished, test } from 'vitest'
import { context, failure, providerAt } from '../testing/aws-trial.ts'

const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'
const answer = (value: string): string => JSON.stringify({ ARN: arn, Name: 'prod/db', VersionId: 'id', SecretString: value })
const endlessly = Buffer.alloc(1_024 * 1_024, ' ')

async function reading(respond: RequestListener): Promise<ReturnType<typeof providerAt>> {
  const provider = providerAt(await serverThat(respond), { timeoutMs: 20_000 })
  onTestFinished(() => provider.close())
  return provider
}

test.each([
  ['announced', { 'content-length': String(endlessly.length * 1_024) }],
  ['not announced', {}],
])('an answer larger than any of AWS is an error, and is not read on: its size is %s', async (_, headers) => {
  let [sent, connections] = [0, 0]
  const provider = await reading((_request, response) => {
    connections += 1
    const more = (): void => {
      while (!response.destroyed && response.write(endlessly, () => (sent += 1)));
    }
    response.on('drain', more).on('close', () => (connections -= 1))
    response.writeHead(200, headers)
    more()
  })
  expect(await failure(provider.get('prod/db', context))).toMatchObject({
    code: 'INTERNAL',
    problem: 'the endpoint answered more than AWS ever does',
  })
  await expect.poll(() => connections).toBe(0)
  expect(sent).toBeLessThan(64)
})

test('an answer as large as that of AWS is read, with its size announced or in chunks', async () => {
  const value = '\0'.repeat(65_536)
  for (const headers of [{ 'content-length': String(answer(value).length) }, { 'transfer-encoding': 'chunked' }]) {
    const provider = await reading((_, response) => void response.writeHead(200, headers).end(answer(value)))
    expect((await provider.get('prod/db', context))?.value).toBe(value)
  }
})

test.each([
  ['a web stream', (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream()],
  ['a stream of Node.js', (bytes: Uint8Array) => Readable.from([bytes])],
])('the body that a request handler of the user answers is checked too: %s', async (_, bodyOf) => {
  let body = Buffer.from(answer('hunter2'))
  const requestHandler = { handle: async () => ({ response: { statusCode: 200, headers: {}, body: bodyOf(body) } }) }
  const provider = providerAt('http://127.0.0.1:9', { clientConfig: { requestHandler } })
  expect((await provider.get('prod/db', context))?.value).toBe('hunter2')
  body = Buffer.concat([body, Buffer.of(0xff)])
  expect((await failure(provider.get('prod/db', context))).problem).toBe('the endpoint answered bytes that are not UTF-8')
  await provider.close()
})
