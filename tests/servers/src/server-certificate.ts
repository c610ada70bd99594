import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startOpenBao } from './openbao.ts'

/** A certificate for 127.0.0.1 and localhost, its key, and the authority that signed it: all PEM. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** By an OpenBao, which makes an authority of its own at each start. */
export async function makeCertificate(): Promise<ServerCertificate> {
  const { caFile = '', stop } = await startOpenBao({ tls: true })
  const read = (name: string): string => readFileSync(join(dirname(caFile), name), 'utf8')
  const made = { cert: read('vault-cert.pem'), key: read('vault-key.pem'), ca: readFileSync(caFile, 'utf8') }
  await stop()
  return made
}

/** For a server that takes files. */
export function writeCertificate(
  folder: string,
  { cert, key }: ServerCertificate,
): { readonly certFile: string; readonly keyFile: string } {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  return { certFile, keyFile }
}
