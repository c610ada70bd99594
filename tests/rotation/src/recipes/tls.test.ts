import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { name, rotatedStore } from '../testing/rotated-store.ts'
import { followCertificate } from './tls.ts'

let bao: OpenBao

/** A certificate for localhost, of OpenBao's own authority. */
async function issued(): Promise<{ key: string; cert: string; ca: string; serial: string }> {
  const { data } = await bao.api<{ data: { private_key: string; certificate: string; issuing_ca: string; serial_number: string } }>(
    'POST',
    'pki/issue/server',
    { common_name: 'localhost' },
  )
  const serial = data.serial_number.replaceAll(':', '').toUpperCase()
  return { key: data.private_key, cert: data.certificate, ca: data.issuing_ca, serial }
}

async function listening(): Promise<Server> {
  const server = createServer((socket) => void socket.pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server
}

/** Trusts the authority alone, and rejects a certificate of any other. */
async function connected(server: Server, ca: string): Promise<TLSSocket> {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername: 'localhost', ca })
  await once(socket, 'secureConnect')
  onTestFinished(() => void socket.destroy())
  return socket
}

const serialOf = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber.padStart(40, '0')

describeWithServer('openbao', 'a TLS server', () => {
  beforeAll(async () => {
    bao = await startOpenBao()
    await bao.api('POST', 'sys/mounts/pki', { type: 'pki' })
    await bao.api('POST', 'pki/root/generate/internal', { common_name: 'authority' })
    await bao.api('POST', 'pki/roles/server', { allow_any_name: true, max_ttl: '1h' })
  })
  afterAll(() => bao.stop())

  test('shows the new certificate after a rotation, and open connections go on', async () => {
    const [first, second] = [await issued(), await issued()]
    const { service } = await rotatedStore({ key: first.key, cert: first.cert })
    const server = await listening()
    const stopping = new AbortController()
    onTestFinished(() => stopping.abort())
    await followCertificate(service, name, server, stopping.signal)
    const before = await connected(server, first.ca)
    expect(serialOf(before)).toBe(first.serial.padStart(40, '0'))
    await service.rotateSecret(name, { key: second.key, cert: second.cert })
    await expect.poll(async () => serialOf(await connected(server, first.ca))).toBe(second.serial.padStart(40, '0'))
    before.write('still here')
    expect(String((await once(before, 'data'))[0])).toBe('still here')
  })

  test('that read its certificate once still shows it after a rotation', async () => {
    const [first, second] = [await issued(), await issued()]
    const { service } = await rotatedStore({ key: first.key, cert: first.cert })
    const server = await listening()
    const stopping = new AbortController()
    await followCertificate(service, name, server, stopping.signal)
    stopping.abort() // the watch has ended
    await service.rotateSecret(name, { key: second.key, cert: second.cert })
    expect(serialOf(await connected(server, first.ca))).toBe(first.serial.padStart(40, '0'))
  })
})
