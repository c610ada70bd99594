import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectByTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { startNatsCluster } from './nats-cluster.ts'
import { type Nats, startNats } from './nats.ts'
import { makeCertificate } from './server-certificate.ts'
import { describeWithServer } from './vitest.ts'

describeWithServer('nats', 'NATS, as we start it', () => {
  async function started(): Promise<Nats> {
    const server = await startNats()
    onTestFinished(server.stop)
    return server
  }

  /** What it answers to these lines of its protocol. */
  async function answerTo(server: Nats, lines: string, until: RegExp): Promise<string> {
    const socket: Socket = connect(server.port, server.host)
    let answer = ''
    socket.on('data', (data) => (answer += data.toString()))
    const failed = new Promise<never>((_, reject) => void socket.once('error', reject))
    socket.write(`CONNECT {"verbose":false}\r\n${lines}`)
    try {
      while (!until.test(answer)) await Promise.race([sleep(5), failed])
      return answer
    } finally {
      socket.destroy()
    }
  }

  const bucket = JSON.stringify({ name: 'KV_colours', subjects: ['$KV.colours.>'], max_msgs_per_subject: 1, num_replicas: 1 })
  const create = `SUB in 1\r\nPUB $JS.API.STREAM.CREATE.KV_colours in ${bucket.length}\r\n${bucket}\r\n`
  const info = 'SUB in 1\r\nPUB $JS.API.STREAM.INFO.KV_colours in 0\r\n\r\n'

  test('is the version that it is pinned to, with JetStream, and is gone when it stops', async () => {
    const server = await started()
    expect(await answerTo(server, 'PING\r\n', /PONG/)).toMatch(/^INFO .*"version":"2\.15\.1".*"jetstream":true/)
    await server.stop()
    await expect(answerTo(server, 'PING\r\n', /PONG/)).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(server.log)).toBe(false)
  })

  test('hangs and wakes up, is killed, and starts again on its port with what JetStream keeps', async () => {
    const server = await started()
    expect(await answerTo(server, create, /MSG in/)).toContain('"did_create":true')
    server.signal('SIGSTOP')
    const reply = answerTo(server, info, /MSG in .*\r\n[^]*\r\n/)
    expect(await Promise.race([reply, sleep(100, 'silence')])).toBe('silence')
    server.signal('SIGCONT')
    expect(await reply).toContain('"messages":0')
    await server.kill()
    await expect(answerTo(server, info, /MSG in/)).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(await answerTo(server, info, /MSG in .*\r\n[^]*\r\n/)).toContain('"messages":0')
  })

  test('shows what JetStream holds, and forgets it when that is erased', async () => {
    const server = await started()
    await answerTo(server, create, /MSG in/)
    expect(server.dump().includes('$KV.colours.')).toBe(true)
    await server.kill()
    server.erase()
    await server.start()
    expect(await answerTo(server, info, /MSG in .*\r\n[^]*\r\n/)).toContain('stream not found')
  })

  test('three of them keep a bucket that outlives one', async () => {
    const cluster = await startNatsCluster()
    onTestFinished(cluster.stop)
    const [one, other, third] = cluster.nodes as [Nats, Nats, Nats]
    const onThree = create.replace('"num_replicas":1', '"num_replicas":3')
    expect(await answerTo(one, onThree, /MSG in .*\r\n[^]*\r\n/)).toContain('"did_create":true')
    await one.kill()
    const answers = (): Promise<string> => Promise.race([answerTo(other, info, /MSG in .*\r\n[^]*\r\n/), sleep(1_000, 'silence')])
    await expect.poll(answers, { timeout: 40_000 }).toMatch(/"num_replicas":3.*"leader":"[12]"/)
    expect(third.port).not.toBe(other.port)
  })
})

describeWithServer(['nats', 'openbao'], 'NATS with a certificate, as we start it', () => {
  test('serves clients that trust its authority', async () => {
    const tls = await makeCertificate()
    const server = await startNats({ tls })
    onTestFinished(server.stop)
    const socket = connect(server.port, server.host)
    await new Promise((resolve) => void socket.once('data', resolve)) // it greets in plain text first
    const secured = connectByTls({ socket, ca: tls.ca, host: server.host })
    await new Promise((resolve, reject) => void secured.once('secureConnect', resolve).once('error', reject))
    expect(secured.authorized).toBe(true)
    secured.destroy()
  })
})
