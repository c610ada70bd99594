import { generateKeyPairSync, sign } from 'node:crypto'

/** A certificate for `localhost` that signed itself, as a test's server shows it: nothing of it is in a file, and it expires with the day. */
export function selfSigned(): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const name = der(0x30, der(0x31, der(0x30, oid(2, 5, 4, 3), der(0x0c, Buffer.from('localhost')))))
  const names = der(0x30, der(0x82, Buffer.from('localhost')))
  const extensions = der(0xa3, der(0x30, der(0x30, oid(2, 5, 29, 17), der(0x04, names))))
  const ed25519 = der(0x30, oid(1, 3, 101, 112))
  const validity = der(0x30, utcTime(Date.now() - dayMs), utcTime(Date.now() + dayMs))
  const serial = der(0x02, Buffer.from([1]))
  const version3 = der(0xa0, der(0x02, Buffer.from([2])))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(0x30, version3, serial, ed25519, name, validity, name, spki, extensions)
  const signature = der(0x03, Buffer.from([0]), sign(null, body, privateKey))
  const certificate = der(0x30, body, ed25519, signature)
  return { cert: pem(certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

const dayMs = 86_400_000

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

/** Every number but the first two is below 128. */
function oid(first: number, second: number, ...rest: number[]): Buffer {
  return der(0x06, Buffer.from([first * 40 + second, ...rest]))
}

function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replaceAll(/[^0-9]/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}

function pem(certificate: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}
