// To copy: a partner's API that the function calls with a token, and that lets the rotator change it.

/** The partner does not accept the token. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError'
}

const url = process.env['PARTNER_URL'] ?? 'https://partner.example'
const timeoutMs = 2_000

/** The body of the answer. */
export async function askPartner(path: string, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(new URL(path, url), { headers, signal: AbortSignal.timeout(timeoutMs) })
  if (response.status === 401) throw new TokenRefusedError('the partner refuses the token')
  if (!response.ok) throw new Error(`the partner answered ${response.status}`)
  return response.text()
}

/** `order` grows with each rotation. The partner answers 409 if it has had a higher one. */
export async function setToken(token: string, order: number, adminToken: string, signal: AbortSignal): Promise<number> {
  const headers = { authorization: `Bearer ${adminToken}`, 'x-order': String(order) }
  const { status } = await fetch(new URL('/token', url), { method: 'PUT', headers, body: token, signal })
  return status
}
