import { expect, onTestFinished, test } from 'vitest'
import { httpCall } from './http-call.ts'
import { startHttpProxy } from './http-proxy.ts'
import { startTcpProxy } from './tcp-proxy.ts'

test('refuses connections as the port of a server that has ended does, and accepts them again', async () => {
  const server = await startHttpProxy(undefined, { plan: { body: 'heard' } })
  onTestFinished(server.stop)
  const proxy = await startTcpProxy(server.url)
  onTestFinished(proxy.stop)
  const text = async (): Promise<string> => (await httpCall(proxy.url)).text
  expect(await text()).toBe('heard')
  await proxy.refuse()
  await expect(text()).rejects.toThrow('ECONNREFUSED')
  await proxy.accept()
  await proxy.accept() // changes nothing
  expect(await text()).toBe('heard')
  server.plan('hang')
  const hanging = text().catch((error: unknown) => String(error))
  await expect.poll(() => server.requests.length).toBe(3)
  await proxy.refuse()
  expect(await hanging).toMatch(/ECONNRESET|hang up/)
})

test('cuts replies short, and hands on whole ones again', async () => {
  const server = await startHttpProxy(undefined, { plan: { body: 'x'.repeat(1_000_000) } })
  onTestFinished(server.stop)
  const proxy = await startTcpProxy(server.url)
  onTestFinished(proxy.stop)
  proxy.cutReplies(100)
  await expect(httpCall(proxy.url)).rejects.toThrow(/ECONNRESET|aborted|hang up/)
  expect(server.requests).toHaveLength(1)
  proxy.cutReplies(undefined)
  expect((await httpCall(proxy.url)).text).toHaveLength(1_000_000)
})

test('delays replies without changing their order, and hands on at once again', async () => {
  const server = await startHttpProxy(undefined, { plan: { body: 'x'.repeat(1_000_000) } })
  onTestFinished(server.stop)
  const proxy = await startTcpProxy(server.url)
  onTestFinished(proxy.stop)
  const timed = async (): Promise<readonly [length: number, ms: number]> => {
    const startedAt = performance.now()
    return [(await httpCall(proxy.url)).text.length, performance.now() - startedAt]
  }
  proxy.delayReplies(300)
  const [length, slowMs] = await timed()
  proxy.delayReplies(0)
  expect([length, (await timed())[0]]).toEqual([1_000_000, 1_000_000])
  expect(slowMs).toBeGreaterThanOrEqual(299)
})
