import { expect, onTestFinished, test } from 'vitest'
import { startAwsStub } from './aws-stub.ts'
import { runModule } from './run-module.ts'
import { startTlsProxy } from './tls-proxy.ts'
import { describeWithServer } from './vitest.ts'

/** Prints the protocol that was agreed on and the status of the answer, or that there is none. */
const asks = `
  import { request } from 'node:https'
  const call = request(process.argv[1], { minVersion: process.argv[2] })
  call.on('error', () => console.log('refused')).on('response', ({ statusCode, socket }) => {
    console.log(socket.getProtocol(), statusCode > 0)
    socket.destroy()
  }).end()`

describeWithServer('openbao', 'a proxy that ends TLS', () => {
  test.each([
    ['TLSv1', 'TLSv1', 'TLSv1 true\n', 1],
    ['TLSv1.2', 'TLSv1', 'TLSv1.2 true\n', 1],
    ['TLSv1.1', 'TLSv1.2', 'refused\n', 0],
  ] as const)('of %s at most, asked in %s at least', async (maxVersion, minVersion, expected, requests) => {
    const stub = await startAwsStub({ json: {} })
    const proxy = await startTlsProxy(stub.url, maxVersion)
    onTestFinished(async () => void (await Promise.all([proxy.stop(), stub.stop()])))
    const run = { cwd: import.meta.dirname, args: [proxy.url, minVersion], env: proxy.clientEnvironment('1.0') }
    expect(await runModule(asks, run)).toBe(expected)
    expect(stub.requests()).toHaveLength(requests)
  })
})
