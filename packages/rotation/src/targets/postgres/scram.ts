import { loadCrypto, SecretsError } from '@finchat/secrets-core/provider'

/** PostgreSQL's own default. More would only slow logins: the password has 128 bits. */
const iterations = 4096
const form = /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/

/**
 * Returns the verifier of a password of visible ASCII characters, as PostgreSQL keeps it (RFC 5802,
 * RFC 7677). It checks logins and is none.
 */
export function scramVerifier(password: string, salt: Uint8Array = loadCrypto().randomBytes(16)): string {
  const { createHash, createHmac, pbkdf2Sync } = loadCrypto()
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyOf = (label: string): Buffer => createHmac('sha256', salted).update(label).digest()
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  const serverKey = keyOf('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`
}

/** Throws `INTERNAL` for another form, which PostgreSQL would take for a plain password. */
export function assertVerifier(verifier: string): void {
  if (!form.test(verifier)) throw new SecretsError('INTERNAL', 'the SCRAM verifier has another form')
}
